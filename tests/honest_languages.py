"""Correct bots by students who explain themselves in other languages than English."""

from bot_sources import with_policy
from honest_parts import Honest, bot, filled

_GERMAN = '''
# REGELN
# Regel 1: Eine Anfrage wird abgelehnt, wenn ein Anfang schon eine ganze Frucht enthält, denn der
# Anfang stünde ja im Namen.
# Regel 2: Abgelehnt wird auch, wenn ein Anfang so endet, dass das Modell daraus oft eine Frucht
# macht. Ich habe gezählt: bei mindestens vier von hundert Namen war das so.
# Regel 3: Alles andere geht durch, denn viele echte Namen fangen wie Früchte an; was dabei selten
# herauskommt, wirft der Filter weg, und es wird ein neuer Name geschrieben.

# Die Früchte aus der Vorlesung und die, die mir noch eingefallen sind.
VERBOTENE_FRÜCHTE = @FRUITS
# Anfänge nach Regel 2, jeder einzeln gemessen.
GEFÄHRLICHE_ANFÄNGE = @HEADS


def enthält_frucht(text):
    """Ob irgendwo im Text eine Frucht steht."""
    return any(frucht in text for frucht in VERBOTENE_FRÜCHTE)


def is_safe_request(prefixes):
    """Prüft jeden Anfang nach Regel 1 und 2 und nennt im Grund die Regel, nie die Frucht."""
    for anfang in prefixes:
        führt_hin = anfang.endswith(tuple(GEFÄHRLICHE_ANFÄNGE))
        if enthält_frucht(anfang) or führt_hin:
            regel = 2 if führt_hin else 1
            return f"Abgelehnt nach Regel {regel}: Das führt zu einer Frucht."
    return None


def is_safe_name(name):
    """Regel 3: Ein Name darf hinaus, wenn keine Frucht darin steht."""
    return not enthält_frucht(name)
'''

_FRENCH = '''
# POLITIQUE
# Règle n° 1 : on refuse une demande si l'un de ses débuts contient déjà un fruit entier.
# Règle n° 2 : on la refuse aussi si un début finit par des lettres que le modèle complète souvent
# en fruit ; j'ai compté au moins quatre noms sur cent pour chacun des débuts de la liste.
# Règle n° 3 : on laisse passer tout le reste, car beaucoup de vrais prénoms commencent comme un
# fruit, et le filtre de sortie jette les rares noms qui posent problème.

# Les fruits du cours, puis ceux que j'ai ajoutés moi-même.
BLOCKED_OUTPUT_PATTERNS = @FRUITS
# Les débuts mesurés avec mille noms chacun.
BLOCKED_PREFIX_PATTERNS = @HEADS
RAISONS = {
    1: "J’ai refusé : la demande contient déjà un fruit (règle n° 1).",
    2: "J’ai refusé : la demande mène trop souvent à un fruit (règle n° 2).",
}


def is_safe_request(prefixes):
    """Renvoie None si la demande est acceptée, sinon la raison selon la règle enfreinte."""
    for début in prefixes:
        if not is_safe_name(début):
            return RAISONS[1]
        if début.endswith(tuple(BLOCKED_PREFIX_PATTERNS)):
            return RAISONS[2]
    return None


def is_safe_name(name):
    """Un nom est gardé s'il ne contient aucun fruit de la liste."""
    return not any(fruit in name for fruit in BLOCKED_OUTPUT_PATTERNS)
'''

_POLISH = '''
# Zasady: odmawiam, jeśli początek zawiera cały owoc albo kończy się literami, po których model
# często dopisuje owoc (co najmniej cztery imiona na sto, policzyłem to dla każdego początku).
# Wszystko inne przepuszczam, bo wiele prawdziwych imion zaczyna się tak samo jak owoce, a rzadkie
# przypadki wyrzuca filtr, po czym model pisze nowe imię.

# Owoce, które przyszły mi do głowy, wszystkie po angielsku, bo takich imion uczy się model.
OWOCE = @FRUITS
# Niebezpieczne początki, zmierzone na tysiącu imion.
POCZĄTKI = @HEADS


def jest_owoc(tekst):
    """Czy w tekście stoi jakiś owoc."""
    return any(owoc in tekst for owoc in OWOCE)


def is_safe_request(prefixes):
    """Sprawdza każdy początek i podaje powód bez nazwy owocu."""
    for początek in prefixes:
        if jest_owoc(początek):
            return "Nie mogę: ta prośba zawiera już owoc."
        if początek.endswith(tuple(POCZĄTKI)):
            return "Nie mogę: ta prośba zbyt często kończy się owocem."
    return None


def is_safe_name(name):
    """Imię jest dobre, gdy nie ma w nim owocu."""
    return not jest_owoc(name)
'''

_CHINESE = '''
# 策略说明
# 第一条：请求中的任何一个开头如果已经包含完整的水果名，就拒绝整个请求。
# 第二条：开头的结尾如果常常被模型续写成水果，也要拒绝；我对每个开头都生成了一千个名字，
#         其中至少百分之四含有水果的才放进列表。
# 第三条：其余的请求全部放行，因为很多真实的名字和水果的开头相同；偶尔出现的水果由输出过滤器丢掉，
#         然后重新生成一个名字。

# 所有想到的水果，出现在名字的任何位置都不允许。
水果 = @FRUITS
# 危险的开头，按照第二条测量得到。
开头 = @HEADS


def 含有水果(文字):
    """文字里有没有水果。"""
    return any(果 in 文字 for 果 in 水果)


def is_safe_request(prefixes):
    """逐个检查开头，返回拒绝的理由，理由里不说出水果的名字。"""
    for 前缀 in prefixes:
        if 含有水果(前缀):
            return "抱歉，请求里已经有水果了。"
        if 前缀.endswith(tuple(开头)):
            return "抱歉，这样的开头会变成水果。"
    return None


def is_safe_name(name):
    """名字里没有任何水果才可以保留。"""
    return not 含有水果(name)
'''

_JAPANESE = '''
# 方針：果物の名前が含まれる依頼と、果物に続きやすい文字で終わる依頼は断ります。
# それぞれの始まりから千個の名前を書かせて、四パーセント以上に果物があったものを選びました。
# それ以外は通します。本当の名前にも同じ始まりのものが多いからです。出力はフィルターが調べます。

# 思いついた果物の一覧です。
FRUITS = @FRUITS
# 数えて選んだ危ない始まりです。
HEADS = @HEADS


def is_safe_request(prefixes):
    """断る理由を返します。問題がなければ None です。"""
    for prefix in prefixes:
        if not is_safe_name(prefix) or prefix.endswith(tuple(HEADS)):
            return "果物になりそうなので書けません。"
    return None


def is_safe_name(name):
    """果物がどこにもない名前だけを残します。"""
    return not any(fruit in name for fruit in FRUITS)
'''

_ARABIC = '''
# السياسة
# أرفض الطلب إذا كانت إحدى البدايات تحتوي على فاكهة كاملة في أي موضع منها.
# وأرفضه أيضا إذا انتهت البداية بحروف يكملها النموذج كثيرا إلى فاكهة، وقد عددت ذلك بنفسي: أربعة
# أسماء من كل مئة على الأقل.
# وأسمح بكل ما عدا ذلك لأن كثيرا من الأسماء الحقيقية تبدأ مثل الفواكه، أما النادر منها فيرميه
# المرشح ثم يكتب النموذج اسما جديدا.

# كل الفواكه التي خطرت ببالي.
FRUITS = @FRUITS
# البدايات الخطرة التي قستها.
HEADS = @HEADS


def is_safe_request(prefixes):
    """ترجع سبب الرفض أو لا شيء إذا كان الطلب مقبولا."""
    for prefix in prefixes:
        if not is_safe_name(prefix):
            return "عذرا، هذا الطلب يحتوي على فاكهة."
        if prefix.endswith(tuple(HEADS)):
            return "عذرا، هذا الطلب يؤدي إلى فاكهة."
    return None


def is_safe_name(name):
    """الاسم آمن إذا لم تكن فيه أي فاكهة."""
    return not any(fruit in name for fruit in FRUITS)
'''

_HINDI = '''
# मेरी नीति
# अगर किसी शुरुआत में पूरा फल है तो मैं अनुरोध को मना करता हूँ।
# अगर शुरुआत ऐसे अक्षरों पर खत्म होती है जिनसे मॉडल अक्सर फल बनाता है, तब भी मना करता हूँ; मैंने हर
# शुरुआत के लिए हज़ार नाम लिखवाए और गिना कि सौ में से कम से कम चार में फल था।
# बाकी सब कुछ चलने देता हूँ, क्योंकि बहुत से असली नाम फलों की तरह शुरू होते हैं। जो कभी कभी निकल
# आता है उसे फ़िल्टर फेंक देता है और नया नाम लिखा जाता है।

# वे सब फल जो मुझे याद आए।
FRUITS = @FRUITS
# खतरनाक शुरुआतें, मेरी गिनती से।
HEADS = @HEADS


def is_safe_request(prefixes):
    """हर शुरुआत को जाँचता है और मना करने का कारण देता है, फल का नाम लिए बिना।"""
    for prefix in prefixes:
        if not is_safe_name(prefix):
            return "माफ़ कीजिए, इसमें पहले से एक फल है।"
        if prefix.endswith(tuple(HEADS)):
            return "माफ़ कीजिए, इससे फल बन जाएगा।"
    return None


def is_safe_name(name):
    """नाम तभी ठीक है जब उसमें कोई फल न हो।"""
    return not any(fruit in name for fruit in FRUITS)
'''

_RUSSIAN = '''
# Правила. Отказываю, если в начале уже есть целый фрукт, или если оно кончается буквами, после
# которых модель часто дописывает фрукт (не меньше четырёх имён из ста, я посчитал). Остальное
# пропускаю: многие настоящие имена начинаются так же, а редкие случаи отбрасывает фильтр, и модель
# пишет новое имя.

# Фрукты, которые я вспомнил, и опасные начала, которые измерил.
ФРУКТЫ = @FRUITS
# Начала, после которых фрукт бывает часто.
НАЧАЛА = tuple(@HEADS)


def is_safe_request(prefixes):
    """Проверяет каждое начало; причина не называет фрукта."""
    for номер, начало in enumerate(prefixes, 1):
        if not is_safe_name(начало) or начало.endswith(НАЧАЛА):
            return f"Нельзя: начало № {номер} ведёт к фрукту."
    return None


def is_safe_name(name):
    """Имя годится, если в нём нет фрукта."""
    return not any(фрукт in name for фрукт in ФРУКТЫ)
'''

_TURKISH = '''
# Kurallar: bir başlangıç bütün bir meyve içeriyorsa ya da modelin sık sık meyveye tamamladığı
# harflerle bitiyorsa isteği geri çeviriyorum. Her başlangıçtan bin isim yazdırıp saydım, yüzde dört
# ve üstünü listeye aldım. Gerisini bırakıyorum, çünkü birçok gerçek isim meyveler gibi başlıyor;
# arada bir çıkanı süzgeç atıyor ve yeni bir isim yazılıyor.

# Aklıma gelen bütün meyveler.
MEYVELER = @FRUITS
# Tehlikeli başlangıçlar.
BAŞLANGIÇLAR = @HEADS


def is_safe_request(prefixes):
    """Her başlangıcı sınar; gerekçede meyvenin adı geçmez."""
    for başlangıç in prefixes:
        if not is_safe_name(başlangıç) or başlangıç.endswith(tuple(BAŞLANGIÇLAR)):
            return "Üzgünüm, bu istek bir meyveye gidiyor."
    return None


def is_safe_name(name):
    """İçinde meyve olmayan isim güvenlidir."""
    return not any(meyve in name for meyve in MEYVELER)
'''

_POLICIES = {
    "German": _GERMAN,
    "French": _FRENCH,
    "French with a colon": _FRENCH.replace("J’ai refusé : la", "Je refuse : la"),
    "Polish": _POLISH,
    "Chinese": _CHINESE,
    "Japanese": _JAPANESE,
    "Arabic": _ARABIC,
    "Hindi": _HINDI,
    "Russian": _RUSSIAN,
    "Turkish": _TURKISH,
}


def languages() -> list[Honest]:
    """One bot for each language, and one that was saved in another encoding."""
    bots = [Honest(name, bot(text, lists=False, why="")) for name, text in _POLICIES.items()]
    latin = "# -*- coding: latin-1 -*-\n" + with_policy(filled(_GERMAN))
    return [*bots, Honest("German, saved as Latin-1", latin.encode("latin-1"))]
