"""The review page: people look at drafts, mend them and decide; every decision is kept."""
