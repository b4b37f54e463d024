"""The names that open labels bear: the corpora's codes as words of the dataset's language.

TCONER is open on both levels, so a label is read by people and models as it stands: `programlang`
becomes *programming language*, プログラミング言語 or 编程语言. Two labels of a corpus have one name
only where they mean one thing (the departure city of a flight and of a train).
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "ASDC_ACTS",
    "ASDC_TYPES",
    "CROSSRE_DOMAIN_NAMES",
    "CROSSRE_TYPE_NAMES",
    "SMP_DOMAIN_NAMES",
    "SMP_SLOT_NAMES",
    "asdc_type",
    "smp_slot",
]

_LANGS = ("en", "ja", "zh")


def _columns(rows: Mapping[str, tuple[str, str, str]]) -> Mapping[str, Mapping[str, str]]:
    return {
        lang: {label: names[at] for label, names in rows.items()} for at, lang in enumerate(_LANGS)
    }


#: CrossRE's domains, by language.
CROSSRE_DOMAIN_NAMES: Mapping[str, Mapping[str, str]] = _columns(
    {
        "news": ("news", "ニュース", "新闻"),
        "politics": ("politics", "政治", "政治"),
        "science": ("science", "科学", "科学"),
        "music": ("music", "音楽", "音乐"),
        "literature": ("literature", "文学", "文学"),
        "ai": ("artificial intelligence", "人工知能", "人工智能"),
    }
)

#: CrossRE's 39 entity types, by language.
CROSSRE_TYPE_NAMES: Mapping[str, Mapping[str, str]] = _columns(
    {
        "academicjournal": ("academic journal", "学術誌", "学术期刊"),
        "album": ("album", "アルバム", "专辑"),
        "algorithm": ("algorithm", "アルゴリズム", "算法"),
        "astronomicalobject": ("astronomical object", "天体", "天体"),
        "award": ("award", "賞", "奖项"),
        "band": ("band", "バンド", "乐队"),
        "book": ("book", "書籍", "书籍"),
        "chemicalcompound": ("chemical compound", "化合物", "化合物"),
        "chemicalelement": ("chemical element", "元素", "化学元素"),
        "conference": ("conference", "会議", "会议"),
        "country": ("country", "国", "国家"),
        "discipline": ("discipline", "学問分野", "学科"),
        "election": ("election", "選挙", "选举"),
        "enzyme": ("enzyme", "酵素", "酶"),
        "event": ("event", "出来事", "事件"),
        "field": ("field of research", "研究分野", "研究领域"),
        "literarygenre": ("literary genre", "文学ジャンル", "文学体裁"),
        "location": ("location", "場所", "地点"),
        "magazine": ("magazine", "雑誌", "杂志"),
        "metrics": ("evaluation metric", "評価指標", "评价指标"),
        "misc": ("miscellaneous", "その他", "其他"),
        "musicalartist": ("musical artist", "音楽家", "音乐人"),
        "musicalinstrument": ("musical instrument", "楽器", "乐器"),
        "musicgenre": ("music genre", "音楽ジャンル", "音乐流派"),
        "organisation": ("organization", "組織", "组织"),
        "person": ("person", "人物", "人物"),
        "poem": ("poem", "詩", "诗歌"),
        "politicalparty": ("political party", "政党", "政党"),
        "politician": ("politician", "政治家", "政治人物"),
        "product": ("product", "製品", "产品"),
        "programlang": ("programming language", "プログラミング言語", "编程语言"),
        "protein": ("protein", "タンパク質", "蛋白质"),
        "researcher": ("researcher", "研究者", "研究人员"),
        "scientist": ("scientist", "科学者", "科学家"),
        "song": ("song", "楽曲", "歌曲"),
        "task": ("task", "タスク", "任务"),
        "theory": ("theory", "理論", "理论"),
        "university": ("university", "大学", "大学"),
        "writer": ("writer", "作家", "作家"),
    }
)

#: ASDC's dialogue acts, in Japanese: what its manual says that each is.
ASDC_ACTS: Mapping[str, str] = {
    "質問": "質問",
    "確認": "確認",
    "伝達": "伝達",
    "要求": "要求",
    "照応要求": "提案からの選択",  # takes or leaves what the agent offered
    "感想": "感想",
    "はい": "肯定",
    "いいえ": "否定",
    "その他": "挨拶・相槌",
}

#: ASDC's types of requested things, in Japanese; 旅行 is two things, which its flags tell apart.
ASDC_TYPES: Mapping[str, str] = {
    "旅行.RYAR": "旅行先",
    "旅行.RYSC": "旅行シーン",
    "スケジュール": "日程",
    "人数": "人数",
    "子供": "子供向けサービス",
    "予算": "予算",
    "宿": "宿のタイプ",
    "立地": "立地",
    "部屋": "部屋",
    "食事": "食事",
    "風呂": "風呂",
    "施設": "館内施設",
    "サービス": "サービス",
}

#: SMP2019's domains, in Chinese.
SMP_DOMAIN_NAMES: Mapping[str, str] = {
    "app": "应用",
    "bus": "客车",
    "cinemas": "影院",
    "contacts": "通讯录",
    "cookbook": "菜谱",
    "email": "电子邮件",
    "epg": "节目单",
    "flight": "航班",
    "health": "健康",
    "joke": "笑话",
    "lottery": "彩票",
    "map": "地图",
    "match": "体育赛事",
    "message": "短信",
    "music": "音乐",
    "news": "新闻",
    "novel": "小说",
    "poetry": "诗词",
    "radio": "电台",
    "riddle": "谜语",
    "stock": "股票",
    "story": "故事",
    "telephone": "电话",
    "train": "火车",
    "translation": "翻译",
    "tvchannel": "电视频道",
    "video": "影视",
    "weather": "天气",
    "website": "网站",
}

#: SMP2019's slots, in Chinese: `domain.slot`, or `slot` where it means the same in every domain.
SMP_SLOT_NAMES: Mapping[str, str] = {
    "Dest": "目的地",
    "Src": "出发地",
    "absIssue": "期号",
    "app.name": "应用名",
    "area": "地区",
    "artistRole": "演职角色",
    "author": "作者",
    "cinemas.category": "电影类型",
    "cinemas.name": "影片名",
    "contacts.code": "电话号码",
    "contacts.name": "联系人",
    "datetime_date": "日期",
    "datetime_time": "时间",
    "decade": "年代",
    "dishName": "菜名",
    "dynasty": "朝代",
    "email.content": "邮件内容",
    "email.name": "联系人",
    "endLoc_area": "到达区县",
    "endLoc_city": "到达城市",
    "endLoc_poi": "到达地点",
    "endLoc_province": "到达省份",
    "epg.category": "节目类型",
    "epg.code": "频道号",
    "epg.name": "节目名",
    "episode": "集数",
    "film": "影片名",
    "headNum": "号段",
    "health.keyword": "病症",
    "homeName": "主队",
    "awayName": "客队",
    "cookbook.keyword": "菜肴类别",
    "ingredient": "食材",
    "location_area": "区县",
    "location_city": "城市",
    "location_country": "国家",
    "location_poi": "地点",
    "location_province": "省份",
    "lottery.category": "彩票类型",
    "lottery.name": "彩票名",
    "map.type": "路线偏好",
    "match.category": "赛事名",
    "match.name": "球队",
    "match.type": "赛事信息",
    "media": "媒体",
    "message.category": "号码类型",
    "message.content": "短信内容",
    "message.name": "联系人",
    "music.artist": "歌手",
    "music.category": "音乐类型",
    "news.category": "新闻类型",
    "news.keyword": "新闻关键词",
    "novel.category": "小说类型",
    "novel.name": "小说名",
    "payment": "付费方式",
    "poetry.keyword": "诗句",
    "poetry.name": "诗词名",
    "popularity": "热度",
    "queryField": "查询内容",
    "questionWord": "疑问词",
    "radio.category": "电台类型",
    "radio.code": "频率",
    "radio.name": "电台名",
    "receiver": "收件人",
    "relIssue": "期号",
    "resolution": "清晰度",
    "riddle.category": "谜语类型",
    "scoreDescr": "评价",
    "season": "季数",
    "song": "歌曲",
    "startDate_date": "出发日期",
    "startDate_time": "出发时间",
    "startLoc_area": "出发区县",
    "startLoc_city": "出发城市",
    "startLoc_poi": "出发地点",
    "startLoc_province": "出发省份",
    "stock.code": "股票代码",
    "stock.name": "股票名",
    "story.category": "故事类型",
    "subfocus": "天气要素",
    "tag": "题材",
    "target": "目标语言",
    "teleOperator": "运营商",
    "telephone.category": "号码类型",
    "telephone.name": "联系人",
    "theatre": "影院名",
    "timeDescr": "时间描述",
    "train.category": "列车类型",
    "translation.content": "翻译内容",
    "tvchannel": "频道名",
    "tvchannel.category": "频道类型",
    "tvchannel.code": "频道号",
    "tvchannel.name": "频道名",
    "utensil": "厨具",
    "video.artist": "影视艺人",
    "video.category": "影视类型",
    "video.name": "影视名",
    "website.name": "网站名",
    "yesterday": "日期",
}


def asdc_type(label: str) -> str:
    """Return the Japanese name of a type of ASDC, given as `TYPE.CODE`.

    Raises KeyError for a type that has none.

    >>> asdc_type("旅行.RYAR"), asdc_type("予算.YOYO")
    ('旅行先', '予算')
    """
    return ASDC_TYPES.get(label) or ASDC_TYPES[label.split(".")[0]]


def smp_slot(label: str) -> str:
    """Return the Chinese name of a slot of SMP2019, given as `domain.slot`.

    Raises KeyError for a slot that has none.

    >>> smp_slot("app.name"), smp_slot("train.startLoc_city")
    ('应用名', '出发城市')
    """
    return SMP_SLOT_NAMES.get(label) or SMP_SLOT_NAMES[label.split(".")[1]]
