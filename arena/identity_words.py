"""Names of models and makers, and the other words that tell an introduction from a mention.

Everything is lower case and is read as part of a regular expression; the apostrophe is always the straight one.
"""

# Names of nothing else: to be introduced by one is enough.
MODELS = (
    r"chat ?gpt|gpt|mistral (?:large|small|medium|nemo)|gpt4all|open assistant|claude (?:sonnet|opus|haiku|"
    r"instant)|gemini (?:pro|flash|ultra|nano|advanced)|google gemini|google bard|google assistant|codegemma|"
    r"gemma|meta ai|code ?llama|llama (?:chat|guard)|le chat|mixtral|ministral|codestral|pixtral|magistral|qwen|"
    r"qwq|tongyi(?: qianwen)?|通义千问|通義千問|千问|千問|通义|通義|deep ?seek|深度求索|kimi (?:chat|k2)|"
    r"chat ?glm|glm|智谱清言|智譜清言|ernie bot|文心一言|文心大模型|hunyuan|混元|腾讯元宝|doubao|豆包|grok|"
    r"command (?:r\+|r|a)(?: plus)?|c4ai aya|phi mini|microsoft copilot|github copilot|bing chat|amazon (?:nova|"
    r"titan)|nova (?:pro|lite|micro|premier)|ibm granite|falcon (?:instruct|llm)|olmo|tülu|tulu|yandex ?gpt|"
    r"яндекс ?gpt|giga ?chat|гигачат|chat ?qwen|vicuna|stablelm|exaone|엑사원|hyperclova(?: x)?|nemotron|smollm|"
    r"jamba|dbrx|internlm|书生|baichuan|百川|minimax|abab|星火|iflytek spark|sensechat|openhermes|wizardlm|"
    r"zephyr 7b|polylm|apertus|eurollm|teuken|sea ?lion|jais|rinna|elyza|plamo|sarashina|bielik|saiga|vigogne|"
    r"leolm|viking 7b"
)
# Also the names of people, animals, stars and stones: they need company that speaks of a machine.
ORDINARY_MODELS = (
    "claude|gemini|bard|palm|llama|mistral|kimi|ernie|phi|copilot|nova|titan|granite|falcon|hermes|dolly|koala|"
    "alpaca|orca|solar|yi|aya|lucie|coral|reka|zephyr|алиса|pi|sonar|クロード|克劳德|클로드|كلود|קלוד|клод|"
    "جيميني|ג'מיני|제미나이|ジェミニ|双子座"
)
MAKERS = (
    r"open ?ai|オープンai|오픈ai|anthropic|アンソロピック|앤트로픽|антропик|أنثروبيك|google(?: (?:deepmind|ai|"
    r"research))?|グーグル|구글|гугл|جوجل|غوغل|גוגל|谷歌|गूगल|গুগল|deepmind|meta|facebook|mistral ai|"
    r"alibaba(?: cloud)?|阿里巴巴|阿里云|阿里雲|阿里|damo academy|达摩院|алибаба|アリババ|알리바바|x\.?ai|"
    r"moonshot(?: ai)?|月之暗面|zhipu(?: ai)?|z\.ai|智谱(?:ai|华章)?|智譜(?:ai)?|baidu|百度|バイドゥ|tencent|"
    r"腾讯|騰訊|bytedance|字节跳动|字節跳動|cohere(?: for ai)?|microsoft|微软|微軟|マイクロソフト|"
    r"마이크로소프트|майкрософт|amazon(?: web services)?|aws|亚马逊|アマゾン|ibm|"
    r"technology innovation institute|tii|allen institute for (?:ai|artificial intelligence)|ai2|yandex|"
    r"яндекса?|яндексом|sber(?:bank)?|сбер(?:банк)?(?:а|ом)?|lg ai연구원|nvidia|英伟达|naver|네이버|"
    r"lg ai research|upstage|업스테이지|hugging ?face|databricks|stability ai|inflection ai|nous research|lmsys|"
    r"iflytek|科大讯飞|sensetime|商汤|01\.ai|零一万物|perplexity(?: ai)?|reka ai|ai21(?: labs)?|swiss ai|"
    r"aleph alpha|silo ai|sakana ai|ntt|softbank|kakao|카카오|huawei|华为|shanghai ai laboratory|"
    r"上海人工智能实验室"
)
# Everyone writes about these: a model that mentions its famous maker has not yet said who it is.
EVERYDAY_NAMES = frozenset(
    [
        "google",
        "meta",
        "facebook",
        "microsoft",
        "amazon",
        "apple",
        "nvidia",
        "ibm",
        "alibaba",
        "baidu",
        "tencent",
        "bytedance",
        "yandex",
        "sber",
        "sberbank",
        "samsung",
        "huawei",
        "naver",
        "kakao",
        "github",
        "snowflake",
        "salesforce",
        "databricks",
        "adobe",
        "intel",
        "oracle",
        "step",
        "command",
        "nous",
        "谷歌",
        "微软",
        "阿里巴巴",
        "阿里",
        "百度",
        "腾讯",
        "字节跳动",
        "яндекс",
        "сбер",
        "네이버",
        "카카오",
    ]
) | frozenset(ORDINARY_MODELS.split("|"))

# What the voter asks to be told, and what the voter asks to be played.
ASKS_WHO = (
    "who (?:are|made|created|built|trained|developed) you|who (?:am i|i'm) (?:talking|speaking|chatting)|"
    "your name|introduce yourself|what (?:are you|model|ai|llm)|which (?:model|ai|llm|company)|"
    "are you (?:claude|gemini|gpt|chatgpt|llama|mistral|an? (?:ai|bot))|qui es[- ]tu|qui êtes|ton nom|"
    "votre nom|présente|wer bist|wie heißt|dein name|stell dich|quién eres|cómo te llamas|tu nombre|preséntate|"
    "quem é você|qual (?:é )?o? ?seu nome|chi sei|come ti chiami|presentati|wie ben je|hoe heet|vem är du|"
    "vad heter|hvem er du|hvad hedder|hva heter|kuka olet|kim jesteś|jak masz na imię|kdo jsi|jak se jmenuješ|"
    "cine ești|ki vagy|ποιος είσαι|kimsin|adın ne|кто ты|ты кто|как тебя зовут|представься|хто ти|من أنت|"
    "ما اسمك|כי هستی|کی هستی|اسمت|מי אתה|איך קוראים|तुम कौन|आप कौन|तुम्हारा नाम|আপনি কে|তুমি কে|誰ですか|"
    "あなたは誰|名前|自己紹介|你是谁|你是誰|你叫什么|你是什么|介绍一下你自己|누구|이름|자기소개|bạn là ai|"
    "tên bạn|siapa kamu|siapa anda|nama kamu|wewe ni nani|jina lako|คุณคือใคร|คุณชื่อ"
)
ASKS_FOR_A_ROLE = (
    r"pretend|act as|role ?-?play|imagine|(?:write|tell|compose|draft).{0,40}(?:story|poem|monologue|dialogue|"
    r"scene|script|song|diary|letter|tale|speech|bio)|perspective of|point of view|you are (?:now )?(?:a|an|the|"
    r"named|called|playing)\b|in the voice of|first person|imagin|fais comme si|joue le rôle|"
    r"écri[st].{0,30}(?:histoire|poème|conte|lettre|monologue|scène)|geschichte|gedicht|tu so, als|spiele|"
    r"monolog|cuento|historia|poema|finge|actúa como|história|conto|aja como|racconto|storia|poesia|verhaal|"
    r"gedicht|berättelse|dikt|historie|opowiadanie|wiersz|povídk|báseň|hikaye|şiir|расска[зж]|истори[юя]|стих|"
    r"представь|оповідання|вірш|قصة|قصيدة|تظاهر|סיפור|שיר|कहानी|कविता|গল্প|কবিতা|物語|詩を|小説|なりきって|演じ|"
    r"故事|扮演|假装|小说|诗|이야기|소설|역할|truyện|bài thơ|đóng vai|cerita|puisi|berperan|hadithi|shairi"
)
# Before the opening: the statement is a supposition, a comparison or a denial.
SUPPOSED = (
    "if|whether|suppose|imagine|pretend|say|like|si|comme si|wenn|ob|falls|als ob|se|alsof|of|om|hvis|jos|"
    "jeśli|czy|gdyby|jestli|pokud|dacă|ha|αν|eğer|если|будто|якщо|чи|لو|إذا|اگر|אם|अगर|यदि|যদি|如果|假如|假设|"
    "要是|もし|만약|nếu|jika|kalau|kama|ถ้า|no|non|não|δεν|nie|ne|nem|nu|не|не є|לא|nunca|jamais|never"
)
# After the name: the denial of the languages that put it last, or a question.
DENIED_AFTER = (
    r"[^.!?。！？\n]{0,12}?(?:değil|아닙|아니|ではな|ではありません|ではござい|じゃない|じゃありません|नहीं|নই|"
    r"নয়|نیستم|نیست|吗|嗎|นะหรือ)|[^.!?。！？\n]{0,3}(?:\?|？|nem |si mimi)"
)
# After the name: it belongs to someone who uses, sells or studies it.
OTHERS_AFTER = (
    r"[ -](?:\w+ )?(?:users?|fans?|experts?|engineers?|developers?|employees?|customers?|subscribers?|plugins?|"
    r"skeptics?|enthusiasts?|evangelists?|researchers?|trainers?|consultants?|nutzer\w*|fan|mitarbeiter\w*|"
    r"entwickler\w*|experte|användare|bruger\w*|bruker\w*|gebruikers?|medewerker|expert|käyttäjä\w*|"
    r"felhasználó\w*|kullanıcı\w*|hayranı\w*|'?u kullan\w*|user|owner|city|birthday)\b"
)
MACHINE_WORDS = r"(?<![a-z])(?:ai|a\.i\.|llm|ki|ia|ии|ші|chatbot|tekoäly|yapay zeka)(?![a-z])"
OFFERS = (
    "(?:help|assist) you|can i (?:help|do for)|vous aider|t'aider|helfen|ayudar|ajudar|aiutar|helpen|hjälpa|"
    "hjælpe|hjelpe|auttaa|pomóc|pomoct|pomohu|ajut|segít|βοηθήσω|yardımcı|помочь|помогу|допомогти|مساعدت|کمک|"
    "לעזור|मदद|সাহায্য|お手伝い|帮|幫|도와|도움|giúp|membantu|bantu|kukusaidia|ช่วย"
)
