"""Does an answer decline to do what was asked? Read from the words of its opening, in many languages."""

import re
from collections.abc import Mapping
from typing import Final

_OPENING: Final = 400
"""Characters: who declines says so at once."""
_LONGEST: Final = 2000
"""Characters: a longer answer does something besides declining."""

_VERBS = (
    "help|assist|provide|comply|fulfil?l|create|generate|answer|write|produce|discuss|engage|share|support|give|"
    "offer|participate|access|browse|open|view|predict|endorse|promote|encourage|respond|complete|facilitate|"
    "impersonate|translate|reproduce|do (?:that|this)|advise|diagnose|recommend|continue|look up|"
    "speculate|comment|satisfy|accommodate|describe|make|teach|explain|guide|instruct|send|play|identify"
)
_RULES: Final[Mapping[str, tuple[str, ...]]] = {
    # English
    "can't|cannot|can not|won't|will not|unable|not able|declin|refuse|not going to|shouldn't|comfortable|rather not|don't have|do not have|for me to| my |a request|something|topic|i can": (
        r"\bi(?:'m| am)? (?:really |simply |just |also |afraid i |sorry,? (?:but )?i )?(?:can't|cannot|can not|won't|"
        r"will not|'m unable to|am unable to|unable to|'m not able to|am not able to|not able to|must decline to|"
        r"have to decline to|refuse to|am not going to|'m not going to|not going to|shouldn't|"
        r"(?:do not|don't) feel comfortable|not comfortable|am not comfortable|'d rather not|would rather not)"
        rf"(?: (?!but)\w+){{0,3}}? (?:{_VERBS})(?:ing)?\b(?! (?:but|the phone|the door|enough))"
        r"(?![^.\n]{0,40}(?:highly|strongly) enough)",
        r"\b(?:can't|cannot|unable to|not able to) (?:assist|help you|help|comply) with (?:that|this|your|such)",
        r"\b(?:i|we) (?:must|have to|need to|respectfully|politely|will have to)(?: respectfully| politely)? decline\b",
        r"\bas an ai\b[^.\n]{0,60}\bi (?:can't|cannot|don't have|do not have|am not able|am unable|'m unable|'m not able)"
        r"(?! (?:feelings|emotions))",
        r"\bi (?:don't|do not|currently don't) have (?:access to|the ability to|real-time|the capability|up-to-date|live)",
        r"\b(?:inappropriate|not appropriate|unethical|not ethical|irresponsible|wrong) for me to\b",
        r"\b(?:against|violates?) my (?:\w+ )?(?:guidelines|programming|polic|principles|values|rules)",
        r"\b(?:not|isn't) (?:something|a request|a topic)(?: that)? i(?: am able|'m able| can|'m willing| will)",
    ),
    # German
    "nicht|kein|ablehnen": (
        r"\b(?:kann|darf|werde|möchte) (?:ich )?(?:(?:ihnen|dir|dabei|damit|das|dies\w*|leider|hierbei|hier|da|euch|"
        r"auf|solche\w*|ihre|deine|anfrage|frage|keine\w*|bei|mit|der|den|die|diesem|diesen|in|zu|dazu|daher|deshalb|"
        r"aus|ethischen|rechtlichen|gründen) ){0,8}(?:nicht|leider nicht|keine\w*|leider keine\w*)\b[^.\n]{0,80}"
        r"(?:helfen|weiterhelfen|unterstützen|beantworten|bereitstellen|erstellen|geben|schreiben|nachkommen|"
        r"ausführen|liefern|durchführen|behilflich|teilen|erfüllen|anbieten|entsprechen|abrufen|zugreifen|verfassen)",
        r"\bals ki[\w-]*\b[^.\n]{0,60}\b(?:kann|darf|habe) ich (?:\w+ ){0,3}(?:nicht|kein\w*)\b(?! gefühle)",
        r"\bich habe (?:leider )?keinen zugriff\b|\bmuss ich (?:leider )?ablehnen\b|\bich bin nicht in der lage\b",
    ),
    # French
    "je |impossible": (
        r"\bje (?:ne peux pas|ne suis pas en mesure|ne peux|ne saurais|ne puis|ne suis pas capable|ne dois pas)\b"
        r"[^.\n]{0,40}(?:aider|fournir|répondre|créer|générer|écrire|accéder|donner|satisfaire|assister|rédiger|"
        r"partager|produire|faire cela|accepter|expliquer|participer)",
        r"\ben tant qu(?:e modèle|'ia|'assistant|e ia|'intelligence)[^.\n]{0,60}\bje (?:ne peux|n'ai pas)",
        r"\bje (?:dois|me vois dans l'obligation de) (?:décliner|refuser)\b|\bje n'ai pas accès\b|"
        r"\bil m'est impossible d",
    ),
    # Spanish
    "no |declin|rechaz": (
        r"\bno (?:puedo|me es posible|estoy en condiciones de|soy capaz de|podré|debo)\b[^.\n]{0,30}(?:ayudar|"
        r"proporcionar|responder|crear|generar|escribir|acceder|dar|cumplir|asistir|ofrecer|compartir|hacer eso|"
        r"hacerlo|brindar|facilitar|participar|explicar|redactar)",
        r"\bcomo (?:ia|modelo de lenguaje|inteligencia artificial|asistente)[^.\n]{0,60}\bno (?:puedo|tengo)",
        r"\bno tengo acceso\b|\bdebo (?:declinar|rechazar)\b|\btengo que (?:declinar|rechazar)\b",
    ),
    # Portuguese
    "não |recusar|declin": (
        r"\bnão (?:posso|consigo|é possível|estou apto|sou capaz de|devo)\b[^.\n]{0,30}(?:ajud|fornec|respond|cri|ger|"
        r"escrev|acess|dar|cumpr|atend|oferec|compartilh|fazer isso|auxili|particip|explic|redigir)",
        r"\bcomo (?:uma ia|um modelo|ia|assistente)[^.\n]{0,60}\bnão (?:posso|tenho)|\bnão tenho acesso\b|"
        r"\bpreciso (?:recusar|declinar)\b|\bdevo recusar\b",
    ),
    # Italian
    "non |rifiut|declin": (
        r"\bnon (?:posso|sono in grado di|mi è possibile|sono autorizzat\w a|riesco ad?)\b[^.\n]{0,30}(?:aiut|forni|"
        r"rispond|crea|gener|scriv|acced|dar|assist|offri|condivid|farlo|soddisf|parteci|spiega|redig)",
        r"\bcome (?:ia|modello|intelligenza|assistente)[^.\n]{0,60}\bnon (?:posso|ho)|\bnon ho accesso\b|"
        r"\bdevo (?:rifiutare|declinare)\b",
    ),
    # Dutch, Swedish, Polish
    "niet|geen|inte|nie |odmów": (
        r"\b(?:kan|mag) ik (?:u |je |jou |hier |daar |dit |dat |helaas |deze |die )*(?:niet|geen)\b[^.\n]{0,50}(?:help|"
        r"geven|verstrekken|beantwoorden|schrijven|maken|voldoen|uitvoeren)|\bik kan (?:\w+ ){0,4}(?:niet|geen)\b"
        r"[^.\n]{0,50}(?:helpen|geven|verstrekken|beantwoorden|schrijven|voldoen)|\bik heb geen toegang\b",
        r"\bjag kan (?:tyvärr )?inte\b[^.\n]{0,40}(?:hjälpa|ge|svara|skriva|skapa|tillhandahålla)|"
        r"\bkan jag (?:tyvärr )?inte\b[^.\n]{0,40}(?:hjälpa|ge|svara|skriva)|\bjag har inte tillgång\b",
        r"\bnie (?:mogę|jestem w stanie|będę)\b[^.\n]{0,30}(?:pomóc|udziel|odpowied|stworzy|napisa|dostarcz|spełni|"
        r"wygenerowa|poda|zrobi)|\bnie mam dostępu\b|\bmuszę odmówić\b",
    ),
    # Russian, Ukrainian
    "не |нет |отказ": (
        r"\bне (?:могу|смогу|имею возможности|в состоянии|буду)\b[^.\n]{0,40}(?:помо|предостав|ответи|отвеча|созда|"
        r"напис|выполн|дать|сгенерир|поддерж|обсужд|делиться|сделать|рассказ|посмотр)|\bкак (?:ии|искусственн\w+|"
        r"языков\w+)[^.\n]{0,60}\bне (?:могу|имею)|\b(?:у меня нет доступа|не имею доступа|вынужден\w? отказать)",
        r"\bне (?:можу|зможу|маю змоги)\b[^.\n]{0,40}(?:допомо|нада|відпов|створ|напис|викона)|\bне маю доступу\b",
    ),
    # Turkish, Indonesian, Vietnamese
    "ama|eme|iremem|erişim|tidak |tak |không ": (
        r"(?:yardımcı olamam|yardımcı olamıyorum|yardım edemem|yerine getiremem|sağlayamam|cevap veremem|yapamam|"
        r"erişimim yok|veremem|yazamam|yanıtlayamam|oluşturamam)",
        r"\b(?:saya|aku) (?:\w+ )?(?:tidak (?:dapat|bisa)|tak (?:dapat|bisa))\b[^.\n]{0,30}(?:membantu|memberi|"
        r"menyedia|menjawab|menulis|membuat|memenuhi|mengakses)|\btidak memiliki akses\b",
        r"(?:tôi|mình) (?:rất tiếc )?(?:không thể|không được phép)[^.\n]{0,30}(?:giúp|cung cấp|trả lời|tạo|viết|hỗ trợ|"
        r"đáp ứng|thực hiện)|không có quyền truy cập",
    ),
    # Arabic, Persian, Hebrew, Hindi
    "لا |لن |لست|غير|ليس|نمی|قادر|دسترسی|לא |אין |नहीं": (
        r"(?:لا (?:أستطيع|يمكنني|أقدر)|لن (?:أتمكن|أستطيع)|لست قادر\w*|غير قادر)[^.\n]{0,40}(?:مساعد|تقديم|الإجابة|"
        r"إنشاء|كتابة|توفير|تلبية|الوصول|القيام|أساعد|أقدم|مشاركة|إعطا)|ليس لدي (?:إمكانية )?(?:ال)?وصول",
        r"(?:نمی‌?توانم|نمیتوانم|قادر نیستم)[^.\n]{0,40}|دسترسی ندارم",
        r"(?:אני )?לא (?:יכול|יכולה|אוכל)[^.\n]{0,20}(?:לעזור|לסייע|לספק|לענות|לכתוב|ליצור)|אין לי גישה",
        r"(?:मदद|सहायता|प्रदान|उत्तर|लिख)[^।.\n]{0,20}नहीं (?:कर|दे|लिख) (?:सकता|सकती)|(?:पहुंच|एक्सेस) नहीं है",
    ),
    # Chinese, Japanese, Korean, Thai
    "无法|無法|不能|没办法|沒辦法|没法|不可以|不便|でき|出来|かね|없|어렵|곤란|ไม่สามารถ": (
        r"(?:我|本人)?(?:很抱歉|抱歉|对不起|對不起|不好意思)?[，, ]?(?:但)?我?(?:无法|無法|不能|没办法|沒辦法|没法|不可以|不便)"
        r"(?:为您|为你|為您|為你|向您|向你|直接|继续|繼續|在此|对此|满足|就此)?[^。\n，,]{0,12}(?:提供|帮助|幫助|协助|協助|回答|"
        r"回应|满足|滿足|生成|创建|撰写|写|寫|讨论|討論|完成|访问|訪問|查看|获取|执行|给出|分享|参与)",
        r"(?:お手伝い|お答え|回答|提供|対応|作成|生成|お応え|ご案内|協力|支援|アクセス|お教え|ご提供|執筆|説明)"
        r"(?:を?する(?:こと)?(?:は|が)?|(?:し|いた)?|することは)?(?:は)?(?:できません|できかねます|いたしかねます|出来ません|できない|致しかねます)",
        r"(?:도와드릴|도울|제공할|제공해 드릴|답변할|답변드릴|답변해 드릴|작성할|작성해 드릴|생성할|만들어 드릴|응할|알려드릴|접근할|"
        r"도움을 드릴|말씀드릴|수행할) ?수(?:가|는)? ?없|(?:도와드리기|제공하기|답변하기|답변드리기|작성하기) (?:어렵|곤란)",
        r"ไม่สามารถ[^\n]{0,25}(?:ช่วย|ให้|ตอบ|สร้าง|เขียน|เข้าถึง|ทำ)",
    ),
}
"""Patterns of a language, tried only where one of the words before them occurs: most answers have none."""
_COMPILED: Final = tuple(
    (tuple(hints.split("|")), re.compile("|".join(f"(?:{pattern})" for pattern in patterns)))
    for hints, patterns in _RULES.items()
)
_CODE: Final = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_QUOTED: Final = re.compile(
    r"\"[^\"\n]{1,400}\"|「[^」\n]{1,400}」|(?<!\w)'(?:[^'\n]|(?<=\w)'(?=\w)){2,400}'(?!\w)|^[ ]*>[^\n]*$",
    re.MULTILINE,
)
_STRAIGHT: Final = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "*": None}
)


def is_refusal(answer: str) -> bool:
    """Whether the answer declines, by its first sentences; what is quoted or code declines nothing."""
    if len(answer) > _LONGEST:
        return False
    opening = _CODE.sub(" ", answer[:_OPENING]).translate(_STRAIGHT).lower()
    said = _QUOTED.sub(" ", opening)
    return any(
        any(hint in said for hint in hints) and pattern.search(said) is not None
        for hints, pattern in _COMPILED
    )
