"""Text in any encoding: as its bytes prove, as it declares, or as its letters suggest."""

from random import Random

import pytest

from projectdavid.adapters.documents.reader.encodings import decode

SENTENCES = {
    "ru": "Привет, договор подписан обеими сторонами. Оплата производится в течение тридцати дней.",
    "uk": "Угоду підписано обома сторонами. Оплата здійснюється протягом тридцяти днів, їжа включена.",
    "bg": "Договорът е подписан от двете страни. Плащането се извършва в срок от тридесет дни.",
    "pl": "Umowa została podpisana przez obie strony. Płatność następuje w ciągu trzydziestu dni. Żółta łódź.",
    "cs": "Smlouva byla podepsána oběma stranami. Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "hu": "A szerződést mindkét fél aláírta. A fizetés harminc napon belül történik. Őrült nő ült a tetőn.",
    "ro": "Contractul a fost semnat de ambele părţi. Plata se face de la primirea facturii şi a mărfii.",
    "de": "Der Vertrag wurde unterschrieben. Die Zahlung erfolgt in dreißig Tagen. Für Übergrößen: Größe XXL.",
    "fr": "Le contrat a été signé par les deux parties. Ça coûte dix euros à l'entrée, élève compris.",
    "es": "El contrato fue firmado. El pago se efectúa en treinta días. ¿Cuándo será la reunión del año?",
    "pt": "O contrato foi assinado. O pagamento será efetuado no prazo. A reunião não será amanhã.",
    "sv": "Avtalet har undertecknats av båda parter. Betalning sker inom trettio dagar. Ångström är från Sverige.",
    "da": "Aftalen er underskrevet af begge parter. Købet gælder på øen Ærø, og prisen er tre hundrede kroner.",
    "el": "Η σύμβαση υπογράφηκε και από τα δύο μέρη. Η πληρωμή γίνεται εντός τριάντα ημερών.",
    "tr": "Sözleşme her iki tarafça imzalandı. Ödeme otuz gün içinde yapılır. İstanbul'da güneşli bir gün.",
    "he": "החוזה נחתם על ידי שני הצדדים. התשלום יבוצע בתוך שלושים ימים מיום קבלת החשבונית.",
    "ar": "تم توقيع العقد من قبل الطرفين. يتم الدفع خلال ثلاثين يوما من تاريخ استلام الفاتورة.",
    "lt": "Sutartį pasirašė abi šalys. Mokėjimas atliekamas per trisdešimt dienų nuo sąskaitos gavimo.",
    "th": "สัญญาได้รับการลงนามโดยทั้งสองฝ่าย การชำระเงินภายในสามสิบวัน",
    "ja": "東京都の天気は晴れです。契約は両当事者によって署名されました。送料は無料です。",
    "zh": "合同金额为五万元，付款期限三十天。双方已签署合同，请注意查收。",
    "zh-tw": "合約金額為五萬元，付款期限三十天。雙方已簽署合約，請注意查收。",
    "ko": "계약 금액은 오만 원이며 지불 기한은 삼십 일입니다. 양측이 계약서에 서명했습니다.",
}
LEGACY = {
    "ru": ("cp1251", "koi8-r", "cp866", "iso8859-5", "mac-cyrillic"),
    "uk": ("cp1251", "koi8-u"),
    "bg": ("cp1251",),
    **dict.fromkeys(("pl", "cs", "hu", "ro"), ("cp1250", "iso8859-2")),
    "de": ("cp1252", "cp850", "mac-roman"),
    "fr": ("cp1252", "cp850", "mac-roman"),
    **dict.fromkeys(("es", "pt", "sv", "da"), ("cp1252",)),
    "el": ("cp1253", "iso8859-7"),
    "tr": ("cp1254",),
    "he": ("cp1255",),
    "ar": ("cp1256",),
    "lt": ("cp1257",),
    "th": ("cp874",),
    "ja": ("cp932", "euc-jp", "iso2022-jp"),
    "zh": ("gb18030",),
    "zh-tw": ("big5",),
    "ko": ("cp949",),
}


def lines(text: str) -> str:
    """The same words as a small table."""
    return "\r\n".join(f"{word};{number}" for number, word in enumerate(text.split()[:8]))


@pytest.mark.parametrize(
    ("language", "encoding"), [(language, encoding) for language, all_of in LEGACY.items() for encoding in all_of]
)
def test_a_text_in_a_legacy_encoding_is_decoded_by_its_letters(language: str, encoding: str) -> None:
    text = SENTENCES[language]
    for sample in (text[:45], text, text * 5, lines(text)):
        data = sample.encode(encoding, "ignore")
        found = decode(data)
        assert found is not None
        assert found.text == data.decode(encoding)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("名前,年齢,住所\r\n佐藤太郎,30,東京\r\n三木英子,25,大阪\r\n", "cp932"),
        ("名前,年齢,住所\r\n佐藤太郎,30,東京\r\n三木英子,25,大阪\r\n", "euc-jp"),
        ("東京都の天気", "cp932"),
        ("姓名,地址\r\n王小明,北京\r\n", "gb18030"),
        ("이름,주소\r\n김철수,서울\r\n", "cp949"),
        ("договор подписан", "cp1251"),
        ("Stadt;Umsatz\r\nMünchen;50 €\r\nKöln;99 €\r\n", "cp1252"),
        ("10 € – “ok”", "cp1252"),
        ("Größe", "mac-roman"),
        ("Łódź", "cp1250"),
        ("שלום", "cp1255"),
        ("Αθήνα", "cp1253"),
        ("Fläche in m²; 5 °C; ©", "cp1252"),
        ("a,b\n" * 40_000 + "Zürich,1\nGenève,2\nBärengraben,3\n", "cp1252"),
    ],
)
def test_short_texts_are_decoded_by_the_shape_of_their_words(text: str, encoding: str) -> None:
    found = decode(text.encode(encoding))
    assert found is not None
    assert found.text == text


@pytest.mark.parametrize(
    ("label", "encoding", "text"),
    [
        ("iso-8859-1", "cp1252", "It’s “quoted” – 10 €"),
        ("US-ASCII", "cp1252", "It’s “quoted” – 10 €"),
        ("latin1", "cp1252", "Größe"),
        ("x-sjis", "cp932", "送料は無料です"),
        ("windows-31j", "cp932", "①髙橋"),
        ("shift_jis", "cp932", "①髙橋"),
        ("gb2312", "gb18030", "朱镕基"),
        ("gbk", "gb18030", "朱镕基 €"),
        ("euc-kr", "cp949", "똠방각하"),
        ("ks_c_5601-1987", "cp949", "똠방각하"),
        ("iso-8859-9", "cp1254", "İstanbul’da"),
        ("tis-620", "cp874", "ภาษาไทย…"),
        ("x-cp1251", "cp1251", "Доставка"),
        ("  Windows-1251 ", "cp1251", "Доставка"),
        ("macintosh", "mac-roman", "Größe"),
        ("big5", "big5hkscs", "香港嘅"),
        ("utf8", "utf-8", "Größe"),
    ],
)
def test_a_declared_label_means_what_browsers_take_it_for(label: str, encoding: str, text: str) -> None:
    found = decode(text.encode(encoding), label)
    assert found is not None
    assert (found.text, found.warning) == (text, "")


@pytest.mark.parametrize("label", ["iso-8859-5", "rot13", "utf-16", "", "x-user-defined", "replacement", "\0"])
def test_a_wrong_label_does_not_spoil_what_the_bytes_prove(label: str) -> None:
    for data in ("Größe".encode(), "Größe".encode("utf-8-sig")):
        found = decode(data, label)
        assert found is not None
        assert (found.text, found.warning) == ("Größe", "")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("text", ["Plain ASCII, line by line\n" * 9, "Größe und Maße\n" * 9])
def test_unicode_is_recognized_with_and_without_a_mark(encoding: str, text: str) -> None:
    found = decode(text.encode(encoding))
    assert found is not None
    assert (found.text, found.warning) == (text, "")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("договор".encode("cp1251"), "was read as Windows-1251"),
        ("Größe".encode("cp1252"), "was read as Windows-1252"),
        ("Größe und Maß, schön".encode() * 5 + b"\xff", "1 sequence of it is not valid UTF-8"),
        ("Straße, Öl, Übung, ähnlich, Größe".encode() + b" \xe4 " + b" \xfc ", "2 sequences of it are not valid UTF-8"),
        (b"\xff\xfe" + "Wörter".encode("utf-16-le") * 30 + b"\x00\xd8", "not valid UTF-16"),
    ],
)
def test_a_guess_and_a_loss_are_warned_of(data: bytes, words: str) -> None:
    found = decode(data)
    assert found is not None
    assert words in found.warning
    assert "save it as UTF-8" in found.warning


def test_many_letters_leave_no_doubt() -> None:
    found = decode((SENTENCES["ru"] * 5).encode("cp1251"))
    assert found is not None
    assert found.warning == ""


@pytest.mark.parametrize(
    "data",
    [
        bytes(Random(1).choices(range(128, 256), k=9000)),
        bytes(range(256)) * 40,
        b"MZ\x90\0\3\0\0\0\4" + b"\xff" * 90,
        b"\x00" * 100,
        b"ab\xff\xfe\x00",
    ],
)
def test_binary_data_is_not_text(data: bytes) -> None:
    assert decode(data) is None
