"""Frequency of Chinese, Japanese and Korean characters: a wrong encoding produces rare ones."""

from typing import Final

_SIMPLIFIED: Final = (
    "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生自会那后能对着事其里所去行过家十用发天如"
    "然作方成者多日都三小军二无同么经法当起与好看学进种将还分此心前面又定见只主没公从知全工动现产民理点文明本月合金额万元付款"
    "期限双署货物周达仓库请注意查收五四六七八九百千名称姓地址电话价格数量单位总计编号备注商品客户订单省市区县路街张王李刘陈杨"
    "黄赵吴北京上海广州深圳部门经理员工部报告系统信息管理服务技术开发项目时间内容状态类型男女"
)
_TRADITIONAL: Final = (
    "這為來個們國說時會對後過發無經當與學進將還從現產點動開關問題業務電話價數單總編備註號樓縣廳臺灣約額萬書簽貨達倉庫請內實"
    "應該體長門間車馬東風雲龍鳥魚麥黃齊"
)
_JAPANESE: Final = (
    "名前年齢住所氏佐藤太郎鈴木高橋田中渡辺伊山本中村小林加吉大阪東京都府県市区町村番号電話天気晴雨曇料金無送円価格商品数量合計"
    "売上部課長社員株式会社様御中請求書契約払期限日月火水木金土曜時分今週来先行事学校生先駅前店場所内容備考種類色男女子英語新旧"
    "図表文字入力出力設定変更追加削除検索結果一覧詳細確認登録"
)
_HANGUL: Final = (
    "가각간갈감강개거건것게겠격결경계고공과관교구국군그근글금급기긴김까나남내년노는능니다단당대도동되된두드든들등디때또라람래러려력"
    "로록료류른를름리린립마만말매며면명모목무문물미및민바박반받발방배법변보복본부분비사산상새생서선설성세소속송수술스습시식신실심아안"
    "않알액앞약양어업없에여역연열영예오온와완외요용우운울원월위유으은을음의이인일입있자작장재저적전점정제조종주중즉지직진집차참책천청"
    "체초최추출치크키타터토통트특파평표품하학한할함합해했행향험현형호화확환황회획후"
)
COMMON: Final = frozenset(_SIMPLIFIED + _TRADITIONAL + _JAPANESE + _HANGUL)


def commonness(text: str) -> float:
    """Return the share of non-ASCII characters that are common ones or kana, from 0 to 1."""
    letters = [letter for letter in text if letter > "\u00ff"]
    known = sum(
        letter in COMMON or "\u3001" <= letter <= "\u3002" or "\u3041" <= letter <= "\u30fc" for letter in letters
    )
    return known / len(letters) if letters else 0.0
