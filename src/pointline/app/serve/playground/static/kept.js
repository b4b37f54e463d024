// What a browser keeps for the page: it may have no room left, or may not let a page keep anything.
export function kept(what) {
  try {
    return what();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}
