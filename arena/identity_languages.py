"""One small grammar per language: the words by which a model says what it is and who made it.

Everything is lower case and is read as part of a regular expression; the apostrophe is always the straight one.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Language:
    """How a writer names itself in one language; each field is a regular expression of alternatives."""

    named: str
    """Opens a naming: "I am", "my name is"."""
    kinds: str
    """What such a writer calls itself: "language model", "assistant"."""
    filler: str
    """Words that may stand between the opening and the name without changing what is said."""
    joins: str = "(?!)"
    """Words that tie the kind to its name or maker: "by", "from", "called"."""
    made: str = "(?!)"
    """Opens a statement about the writer's maker: "I was created by"."""
    made_after: str = "(?!)"
    """Follows a maker: "created me", "'s language model", "tarafından geliştirilen"."""
    closes: str = "(?!)"
    """Follows a name and is an introduction without any opening: "created me", "vagyok"."""
    model_after: str = ""
    """Must follow a name where the verb, or the noun that changes the meaning, comes last."""
    roles: str = "(?!)"
    """Opens "as a language model by …", which counts only when the first person follows."""
    first_person: str = "(?!)"
    """The first person that must follow a role."""
    stops: str = "(?!)"
    """Words that end an introduction: it is about someone else, or denied."""
    spaced: bool = True
    """False where words are not set apart, or endings are attached to them."""


LANGUAGES = (
    Language(  # English
        named="i'm|i am|my name is|my name's|the name's|(?:you can |just )?call me|i go by|i was (?:named|"
        "called)|you(?:'re| are) (?:currently )?(?:talking|chatting|speaking) (?:to|with)",
        made=r"i(?: was|'m| am|'ve been| have been) (?:\w+ )?(?:made|created|built|trained|developed|designed|"
        r"powered|programmed|produced|released|provided|fine-tuned|based|running|hosted)(?: and \w+)? (?:by|on|"
        r"from)|i come from|i run on|i belong to|my training (?:was|is) (?:\w+ )?by|my (?:\w+ )?(?:creators?|"
        r"makers?|developers?|parent company)(?: is| are)?(?: at|,)?|(?:company|team|people|lab|organi[sz]ation|"
        r"developers?) (?:that|who|which|behind) (?:\w+ )?me(?: is| are|,)?",
        closes=r"(?:,? (?:who|which))? (?:created|built|trained|developed|designed) (?:and \w+ )?me\b(?! (?:a|"
        r"an|the) )| made me(?=\s*(?:[,.!)]|$| and | so | to (?:help|be )))",
        kinds=r"(?:language |ai )?models?|assistant|ai|a\.i\.|chat ?bot|bot|llm|artificial intelligence",
        joins=r"by|(?:by|from) (?:the |a )?(?:\w+ )?(?:team|people|folks|researchers|engineers|"
        r"scientists) (?:at|of|from)|from|called|named|of|on|as|known as",
        filler="a|an|the|your|just|simply|actually|indeed|really|also|still|in|fact|one|only|large|language|"
        "helpful|friendly|virtual|digital|new|latest|version|variant|member|family|series|based|fine-tuned|"
        "finetuned|instance|called|named|of|on|made|created|developed|trained|built|designed|powered|and|that|"
        "is|was|known|as|here|happy|to|be|open|source|running|company|team|lab",
        made_after=r"'s? (?:\w+ ){0,4}(?:model|assistant|ai|chatbot)\b",
        roles=r"as|being",
        first_person=r"\b(?:i|i'm|my|me)\b",
        stops="not|never|who|whose|which|uses|using|use|fan|user|with|than|about|like|unlike|similar|for|at|"
        "enthusiast|researcher|engineer|expert|developer|teacher|sure|aware|familiar|comparing|testing|writing|"
        "studying|working|but|so|then|where|near|when|because|how|why|what",
    ),
    Language(  # French
        named="je suis|je m'appelle|mon nom est|je me nomme|appelez-moi|appelle-moi|moi,? c'est|vous (?:parlez|"
        "discutez) (?:à|avec)",
        made=r"(?:j'ai été|je suis|ayant été) (?:\w+ )?(?:créé|développé|entraîné|conçu|fabriqué|formé|"
        r"programmé|propulsé)e?(?: et \w+)? par|je viens de(?: chez)?|mes (?:créateurs|concepteurs|"
        r"développeurs)(?: sont| chez|,)?|mon (?:créateur|développeur|concepteur)(?: est|,)?",
        closes=r"(?:,? qui)? m'a (?:créé|développé|entraîné|conçu)",
        kinds=r"(?:modèle|assistant|chatbot|robot|ia|i\.a\.|intelligence artificielle|llm|modèle de langage)e?",
        joins="par|de|chez|d'|nommée?|appelée?|baptisée?|du",
        filler="un|une|le|la|l'|votre|ton|en|fait|effectivement|simplement|juste|grand|modèle|langage|de|d'|du|"
        "version|basée?|sur|nommée?|appelée?|virtuel|virtuelle|bien|développée?|créée?|conçue?|par|et|"
        "entraînée?|nouveau|nouvelle|ia|société|entreprise|équipe",
        roles=r"en tant que|en tant qu'",
        first_person=r"\bje\b|\bj'|\bm[eo]n?\b",
        stops="pas|qui|fan|utilisateur|utilisatrice|avec|comme|pour|sur|utilise|spécialiste|chercheur|"
        "professeur|sûr",
    ),
    Language(  # German
        named="ich bin|ich wurde|wurde ich|ich heiße|mein name ist|bin ich|nenn(?:en sie)? mich|man nennt mich|"
        "sie (?:sprechen|chatten) mit|du (?:sprichst|chattest) mit",
        made="(?:entwickelt|trainiert|erstellt|gebaut|programmiert) wurde ich (?:von|bei)|meine? (?:entwickler|"
        "schöpfer|hersteller|erfinder)(?: ist| sind| bei|,)?|ich (?:stamme|komme) (?:von|aus dem hause)|"
        "ich basiere auf",
        closes=r" hat mich (?:\w+ )?(?:entwickelt|trainiert|erschaffen)",
        kinds=r"\w*(?:modell|assistent|assistentin|chatbot|bot|ki|intelligenz|llm)",
        joins="von|namens|der|aus|genannt|des|auf",
        filler="ein|eine|einer|das|der|die|dein|deine|ihr|ja|eigentlich|tatsächlich|einfach|nur|großes|neues|"
        "von|entwickeltes|trainiertes|namens|basis|basiert|auf|version|virtueller|hier|und|digitaler|ki|"
        "erstelltes|erstellter|entwickelter|entwickelte|firma|dem|unternehmen",
        made_after=r"(?:,? das|,? die)?[^.,!?\n]{0,30} (?:entwickelt|trainiert|erschaffen|erstellt|"
        r"programmiert) (?:wurde|worden)| (?:entwickeltes|entwickelter|entwickelte|trainiertes|trainierter|"
        r"erstelltes|erstellter) | (?:entwickelt|trainiert|erschaffen|erstellt|programmiert)\b",
        roles=r"als",
        first_person=r"\b(?:ich|mir|mich|mein\w*)\b",
        stops="nicht|kein|keine|fan|nutzer|nutzerin|mit|wie|für|über|sicher|entwickler|forscher|lehrer|benutze|"
        "das|dass",
    ),
    Language(  # Spanish
        named="soy|me llamo|mi nombre es|puedes llamarme|me llaman|est[áa]s (?:hablando|chateando) con|"
        "hablas con",
        made=r"(?:fui|he sido|estoy) (?:\w+ )?(?:cread|desarrollad|entrenad|diseñad|programad|"
        r"basad)[oa](?: y \w+)? (?:por|en)|mis? (?:creador|desarrollador|fabricante)(?:es)?(?: es| son|,| en)?|"
        r"provengo de|me (?:creó|desarrolló|entrenó)",
        closes=r"(?:,? que)? me (?:creó|desarrolló|entrenó|diseñó)",
        kinds=r"modelo|asistente|chatbot|bot|ia|inteligencia artificial|llm|agente",
        joins="por|de|llamad[oa]|en|del",
        filler="un|una|el|la|tu|su|gran|modelo|de|lenguaje|en|realidad|simplemente|solo|llamad[oa]|virtual|"
        "versión|basad[oa]|creado|creada|desarrollado|desarrollada|entrenado|entrenada|por|y|ia|inteligencia|"
        "artificial|del|sí|empresa|compañía|equipo",
        roles=r"como",
        first_person=r"\b(?:yo|puedo|tengo|soy|estoy|he|mi|mis|me|debo|sé|carezco|poseo)\b",
        stops="no|que|fan|fanático|usuario|usuaria|con|como|para|sobre|seguidor|profesor|experto|ingeniero",
    ),
    Language(  # Portuguese
        named="(?:eu )?sou|(?:eu )?me chamo|chamo-me|meu nome é|o meu nome é|pode me chamar de|"
        "você está (?:falando|conversando) com",
        made=r"fui (?:\w+ )?(?:criad|desenvolvid|treinad|projetad|programad)[oa](?: e \w+)? (?:por|pela|pelo)|"
        r"meus? (?:criador|desenvolvedor)(?:es)?(?: é| são|,| na)?|minha (?:criadora|desenvolvedora)(?: é|,)?|"
        r"estou baseado (?:em|no)",
        closes=r"(?:,? que)? me (?:criou|desenvolveu|treinou)",
        kinds=r"modelo|assistente|chatbot|bot|ia|inteligência artificial|llm|agente",
        joins="por|pela|pelo|da|do|de|chamad[oa]",
        filler="um|uma|o|a|seu|sua|grande|modelo|de|da|do|linguagem|na|verdade|apenas|chamad[oa]|virtual|"
        "versão|basead[oa]|em|no|criad[oa]|desenvolvid[oa]|treinad[oa]|por|pela|pelo|e|ia|inteligência|"
        "artificial|sim|empresa|equipe",
        roles=r"como|enquanto",
        first_person=r"\b(?:eu|posso|tenho|sou|estou|meu|minha|me|devo|sei)\b",
        stops="não|que|fã|usuário|usuária|com|como|para|sobre|professor|engenheiro",
    ),
    Language(  # Italian
        named=r"(?:^\s*|(?<=[,:!] )|io |e )sono|mi chiamo|il mio nome è|chiamami|stai (?:parlando|chattando) con",
        made=r"sono stat[oa] (?:\w+ )?(?:creat|sviluppat|addestrat|progettat|programmat)[oa](?: e \w+)? (?:da|"
        r"dalla|dal)|(?:il mio|i miei|la mia) (?:creator[ei]|sviluppator[ei]|azienda creatrice)(?: è| sono|,)?|"
        r"mi baso su",
        closes=r"(?:,? che)? mi ha (?:creat|sviluppat|addestrat)[oa]",
        kinds=r"modello|assistente|chatbot|bot|ia|ai|intelligenza artificiale|llm|agente",
        joins="da|di|dalla|dal|della|chiamat[oa]|su",
        filler="un|un'|una|il|l'|la|tuo|grande|modello|di|linguistico|linguaggio|in|realtà|semplicemente|solo|"
        "chiamat[oa]|virtuale|versione|basat[oa]|su|creat[oa]|sviluppat[oa]|addestrat[oa]|da|dalla|e|ia|ai|"
        "intelligenza|artificiale|sì|società|azienda",
        roles=r"in quanto|come|essendo",
        first_person=r"\b(?:io|posso|ho|sono|mio|mia|mi|devo)\b",
        stops="non|che|fan|utente|con|come|per|sicuro|appassionato|ingegnere",
    ),
    Language(  # Dutch
        named=r"ik ben|ik heet|mijn naam is|noem me(?: maar)?|ben ik|je (?:praat|chat) met",
        made=r"ik (?:ben|werd) (?:\w+ )?(?:gemaakt|ontwikkeld|getraind|gecreëerd|gebouwd|ontworpen) (?:door|"
        r"bij)|mijn (?:maker|makers|ontwikkelaar|ontwikkelaars)(?: is| zijn|,)?|ik draai op",
        kinds=r"\w*(?:model|assistent|chatbot|bot|ai|intelligentie|llm)",
        joins="van|door|genaamd|met|op",
        filler="een|het|de|je|jouw|uw|eigenlijk|gewoon|gewoonweg|groot|taalmodel|ai|van|door|ontwikkeld|"
        "gemaakt|getraind|genaamd|versie|gebaseerd|op|virtuele|en|inderdaad|bedrijf",
        made_after=r"(?:,? dat)? (?:heeft )?mij? (?:heeft )?(?:gemaakt|ontwikkeld|getraind)| (?:ontwikkeld|"
        r"getraind|gemaakt|ontworpen)\b",
        roles=r"als",
        first_person=r"\b(?:ik|mijn|mij)\b",
        stops="niet|geen|die|fan|gebruiker|met|als|voor|over|zeker|leraar|ontwikkelaar",
    ),
    Language(  # Swedish
        named=r"jag är|jag heter|mitt namn är|kalla mig|du (?:pratar|chattar) med",
        made=r"jag (?:är|har blivit|blev) (?:\w+ )?(?:skapad|utvecklad|tränad|byggd|gjord|"
        r"framtagen)(?: och \w+)? av|jag (?:skapades|utvecklades|tränades) av|mina? (?:skapare|"
        r"utvecklare)(?: är|,)?",
        closes=r"(?:,? som)? (?:har )?(?:skapat|utvecklat|tränat|skapade|utvecklade|tränade) mig",
        kinds=r"\w*(?:modell|assistent|chattbot|chatbot|bot|ai|intelligens|llm)",
        joins="från|av|som heter|vid namn|kallad",
        filler="en|ett|den|din|faktiskt|helt|enkelt|bara|stor|språkmodell|ai|av|från|utvecklad|skapad|tränad|"
        "som|heter|vid|namn|version|baserad|på|virtuell|och|företaget",
        roles=r"som|i egenskap av",
        first_person=r"\b(?:jag|min|mitt|mig)\b",
        stops="inte|ingen|fan|användare|med|för|om|säker|lärare",
    ),
    Language(  # Danish and Norwegian
        named="jeg er|jeg hedder|jeg heter|mit navn er|navnet mitt er|mitt navn er|kald mig|kall meg|"
        "du (?:taler|snakker|chatter) med|eg er|eg heiter",
        made=r"jeg (?:er|blev|ble|er blevet|har blitt) (?:\w+ )?(?:skabt|udviklet|trænet|bygget|lavet|utviklet|"
        r"trent|laget|skapt)(?: og \w+)? (?:af|av)|(?:mine skabere|min skaber|mine udviklere|min udvikler|"
        r"skaperne mine|utvikleren min|mine utviklere)(?: er|,)?",
        closes="(?:,? som)? (?:har )?(?:skabt|udviklet|trænet|utviklet|trent|laget|skabte|udviklede|"
        "skapte) (?:mig|meg)",
        kinds=r"\w*(?:model|modell|assistent|chatbot|chatbot|bot|ai|ki|intelligens|llm|samtalerobot)",
        joins="fra|af|av|ved navn|kaldet|kalt|som hedder|som heter",
        filler="en|et|ei|den|din|faktisk|bare|stor|sprogmodel|språkmodell|ai|ki|af|av|fra|udviklet|utviklet|"
        "skabt|trænet|trent|laget|lavet|som|hedder|heter|ved|navn|version|versjon|baseret|basert|på|virtuel|og|"
        "selskabet|selskapet|firmaet",
        roles=r"som",
        first_person=r"\b(?:jeg|min|mit|mig|meg|mitt)\b",
        stops="ikke|ingen|fan|bruger|bruker|med|for|om|sikker|lærer",
    ),
    Language(  # Finnish
        named=r"(?:minä )?olen|nimeni on|minun nimeni on|minua kutsutaan",
        made=r"minut on (?:\w+ )?(?:kehittänyt|luonut|kouluttanut|rakentanut)|kehittäjäni on|luojani on",
        closes=r"(?:,? joka)? on (?:kehittänyt|luonut) minut",
        kinds=r"\w*(?:malli|avustaja|tekoäly|chatbotti|botti|apuri|kielimallisi)",
        joins="nimeltä|nimeltään",
        filler="siis|vain|itse|asiassa|suuri|tekoäly|kielimalli|nimeltä|nimeltään|kehittämä|tekoälyavustaja|luoma",
        made_after=r"(?:'?n|:n|in)? (?:kehittämä|luoma|kouluttama|tekemä|rakentama)",
        stops="en|ei|käyttäjä|fani|varma",
    ),
    Language(  # Polish, Czech
        named="jestem|nazywam się|mam na imię|moje imię to|mów mi|jsem|jmenuji se|jmenuju se|mé jméno je|"
        "moje jméno je|říkej mi|rozmawiasz z",
        made=r"(?:zostałem|zostałam) (?:\w+ )?(?:stworzon|opracowan|wytrenowan|zaprojektowan|wyszkolon|"
        r"zbudowan)[ya](?: i \w+)? przez|stworzył[ao]? mnie|(?:byl|byla) jsem (?:\w+ )?(?:vytvořen|vyvinut|"
        r"natrénován|trénován|navržen)a?(?: a \w+)?(?: společností)?|moi (?:twórcy|autorzy) to|moim (?:twórcą|"
        r"producentem) jest|vytvořil[ao]? mě",
        kinds=r"model\w*|asysten\w*|asistent\w*|chatbot\w*|bot\w*|sztuczna inteligencja|sztuczną inteligencją|"
        r"umělá inteligence|ai",
        joins="przez|od|firmy|o nazwie|społečností|společností|společnosti|od firmy|jménem|z",
        filler="duży|dużym|model|modelem|językowy|językowym|językowego|velký|jazykový|po|prostu|tak|naprawdę|"
        "vlastně|ai|i|a|se|przez|stworzony|stworzonym|vyvinutý|vytvořený|firmę|firmy|společností|společnosti|"
        "wersja|wersją|o|nazwie|jménem|wirtualny|wirtualnym|virtuální|opracowanym|opracowany|asystentem|"
        "asystent|asistent",
        stops="nie|ne|fanem|który|která|který|z|s|użytkownikiem|uživatel|fanoušek|jak|jako|pewien|o",
    ),
    Language(  # Romanian, Hungarian, Greek
        named=r"(?:^\s*|(?<=[,:!] )|eu |și )sunt|mă numesc|numele meu este|vagyok|én egy|a nevem|én|είμαι|"
        r"με λένε|ονομάζομαι|το όνομά μου είναι",
        made=r"am fost (?:\w+ )?(?:creat|dezvoltat|antrenat)ă? (?:și \w+ )?de|creatorii mei sunt|"
        r"δημιουργήθηκα από|αναπτύχθηκα από|εκπαιδεύτηκα από|(?:με )?(?:δημιούργησε|ανέπτυξε) η|a fejlesztőm|"
        r"az alkotóm",
        closes=r" vagyok\b| (?:hozott létre|készített|fejlesztett ki) engem",
        kinds=r"model\w*|asistent\w*|chatbot\w*|inteligență artificială|\w*modell\w*|asszisztens\w*|μοντέλο|"
        r"βοηθός|τεχνητή νοημοσύνη|ai|mi",
        joins="de|numit|către|από|της|του|la",
        filler="un|o|de|către|model|mare|limbaj|limbă|al|ai|ένα|ένας|η|το|ο|της|μεγάλο|γλωσσικό|μοντέλο|από|"
        "την|που|ονομάζομαι|vagyok|egy|a|az|numit|creat|dezvoltat|antrenat|și|asistentul|asistent|virtual|"
        "nyelvi|modell|nagy|mesterséges|intelligencia",
        made_after="(?: által)? (?:által )?(?:kifejlesztett|fejlesztett|létrehozott|készített|betanított|"
        "fejlesztette)| (?:hozott létre|készített|fejlesztett ki)",
        stops="nu|nem|care|fan|utilizator|cu|ca|pentru|δεν|όχι|που|σαν|με|χρήστης|hogy|aki|sigur",
    ),
    Language(  # Turkish
        named=r"ben|beni|benim adım|adım|bana",
        made=r"geliştiricim|yaratıcım",
        kinds=r"\w*model\w*|\w*asistan\w*|yapay zek\w*|sohbet\w*|chatbot\w*",
        joins="olan|adında|adlı",
        filler="bir|büyük|dil|yapay|zeka|zekâ|asistanı|asistanıyım|modeliyim|modeli|olan|tarafından|"
        "geliştirilen|eğitilen|sadece|aslında|adında|adlı|şirketi|geliştirdiği|sanal|oluşturulan|yaratılan|"
        "dilli",
        made_after=r"(?:'[a-zıü]+)?(?: \w+){0,2}? ?(?:tarafından (?:\w+ ){0,2}(?:geliştiril|eğitil|oluşturul|"
        r"yaratıl|tasarlan)\w*|geliştirdi\w*|eğitti\w*|yarattı|dil modeliyim|asistanıyım)",
        model_after=r"(?:\s*(?:$|[.,!()\n;–—])|'?[a-zıüö]{0,4}[ıiuü]m\b| olarak| (?:diye|derler|diyebilir)|"
        r" adlı| adında|dir| (?:isimli|modeliyim)|'dir|'dır)",
        stops="değil|gibi|kullanan|hayranı",
    ),
    Language(  # Russian, Ukrainian, Bulgarian
        named="я|меня зовут|мо[её] имя|зовите меня|мене звати|моє ім'я|аз съм|казвам се|вы (?:общаетесь|"
        "разговариваете) с|мене називають|меня называют",
        made=r"я (?:был[аи]? )?(?:создан|разработан|обучен|натренирован)[аоы]?(?: и \w+)?|меня (?:создал|"
        r"разработал|обучил)[аи]?|мене (?:створил|розробил|навчил)[аи]|мене (?:створено|розроблено)|"
        r"мой (?:создатель|разработчик)|мои (?:создатели|разработчики)|я (?:був )?(?:створений|розроблений|"
        r"навчений)|бях създаден от|мої (?:творці|розробники)|мій розробник",
        closes=r",? (?:меня|мене) (?:создал|разработал|обучил|створил|розробил)\w*",
        kinds=r"модел\w*|ассистент\w*|асистент\w*|помощник\w*|помічник\w*|чат-?бот\w*|бот|ии|ші|нейросеть|"
        r"нейромережа|искусственный интеллект|штучний інтелект|асистент",
        joins=r"от|від|компании|компанией|компанії|компанією|по имени|на имя|созданн\w+|разработанн\w+|"
        r"обученн\w+|створен\w+|розроблен\w+|навчен\w+|разработен\w+|създаден\w+|имени",
        filler="это|есть|є|большая|языковая|модель|просто|на|самом|деле|ии|ші|велика|мовна|от|від|компании|"
        "компанией|компанії|компанією|по|имени|имя|виртуальный|віртуальний|ассистент|асистент|помощник|"
        "помічник|ии-ассистент|созданная|созданный|разработанная|разработанный|створена|створений|розроблений|"
        "розроблена|и|і|версия|нейросеть|съм|голям|езиков|модел|от|ще|й",
        stops="не|который|которая|который|фанат|пользователь|користувач|как|як|с|з|для|про|о|учитель|пользуюсь|"
        "думаю|люблю|знаю",
    ),
    Language(  # Arabic
        named=r"أنا|انا|اسمي|يمكنك مناداتي|إسمي|أُدعى|أدعى",
        made=r"(?:تم|تمّ) (?:تطويري|تدريبي|إنشائي|تصميمي|برمجتي)[^.\n]{0,20}?(?:بواسطة|من قبل|من قِبل|على يد|في|"
        r"لدى)|طورتني|طوّرتني|أنشأتني|دربتني|صممتني|مطوري|الشركة التي (?:طورتني|أنشأتني)",
        kinds="نموذج|مساعد|روبوت|الذكاء|ذكاء|برنامج",
        filler="نموذج|مساعد|هو|لغوي|لغة|كبير|ذكاء|ذكي|اصطناعي|بالذكاء|الاصطناعي|روبوت|دردشة|من|شركة|طورته|"
        "طوّرته|طورتها|دربته|أنشأته|تم|تطويره|تدريبه|بواسطة|قبل|يسمى|اسمه|يدعى|في|الواقع|مجرد|افتراضي|تطوير|"
        "إنتاج|ال|محادثة|و|وأنا",
        joins="من|طورته|طوّرته|طورتها|دربته|أنشأته|بواسطة|قبل|اسمه|يدعى|تطوير|شركة|صممته|ابتكرته",
        stops="لست|لا|ليس|الذي|معجب|أحب|مستخدم",
    ),
    Language(  # Hebrew, Persian
        named=r"אני|שמי|השם שלי(?: הוא)?|קוראים לי|من|اسم من|نام من|نامم",
        made=r"(?:אני )?(?:פותחתי|נוצרתי|אומנתי|נבניתי) (?:ואומנתי )?(?:על ידי|ע\"י|ב)?|(?:היוצרים|המפתחים|"
        r"המפתחת) שלי",
        kinds="מודל|עוזרת?|צ'אטבוט|בוט|בינה|مدل|دستیار|چت‌بات|چت بات|هوش مصنوعی|ربات",
        filler="מודל|שפה|גדול|בינה|מלאכותית|עוזר|וירטואלי|של|שפותח|שנוצר|שאומן|על|ידי|חברת|בשם|הוא|פשוט|בעצם|"
        "صرفا|یک|مدل|زبانی|بزرگ|هستم|دستیار|هوش|مصنوعی|هوشمند|مجازی|شرکت|از|به|نام|است|که|توسط|دیجیتلی|דיגיטלי|"
        "ידידותי|חכם",
        joins="של|ידי|מבית|חברת|בשם|توسط|از|شرکت|نام|ساخته|ساخت",
        made_after=r"[^.\n]{0,12} (?:توسعه|ساخته|آموزش|طراحی|ایجاد)[^.\n]{0,10}(?:شده‌?ام|شدم|شده)",
        stops="לא|אינני|משתמש|אוהב|כמו|نیستم|کاربر|طرفدار|مثل",
    ),
    Language(  # Hindi, Bengali
        spaced=False,
        named="मैं|मेरा नाम|मुझे|আমি|আমার নাম|আমাকে",
        kinds="मॉडल|सहायक|असिस्टेंट|चैटबॉट|एआई|মডেল|সহায়ক|সহকারী|চ্যাটবট|এআই",
        filler="एक|बड़ा|बड़ी|भाषा|मॉडल|हूँ|हूं|जिसे|जिसका|नाम|सहायक|है|कृत्रिम|बुद्धिमत्ता|एआई|ai|वर्चुअल|द्वारा|"
        "विकसित|बनाया|गया|कंपनी|प्रशिक्षित|की|का|असिस्टेंट|चैटबॉट|जो|निर्मित|ने|একটি|একজন|বড়|ভাষা|মডেল|যাকে|যা|যার|"
        "নাম|সহায়ক|সহকারী|কৃত্রিম|বুদ্ধিমত্তা|এআই|দ্বারা|তৈরি|প্রশিক্ষিত|হলাম|ভার্চুয়াল|চ্যাটবট|বৃহৎ|হল",
        made_after=r"\s?(?:कंपनी |कम्पनी )?(?:द्वारा|ने|की टीम ने|के द्वारा)[^।\n]{0,25}(?:विकसित|बनाया|बनाई|"
        r"प्रशिक्षित|तैयार|निर्मित)|\s?(?:का|की)[^।\n]{0,20}(?:मॉडल|सहायक) (?:हूँ|हूं)|\s?(?:এর |"
        r"কোম্পানি )?(?:দ্বারা|কর্তৃক)?[^।\n]{0,12}(?:তৈরি|প্রশিক্ষিত|বিকশিত|উন্নত)|-?এর[^।\n]{0,20}মডেল",
        model_after=r"\s*(?:$|[।,.!()|\n;–—]|हूँ|हूं|है|नाम|कह|বলে|নাম|এবং|और|-?(?:একটি|एक))",
    ),
    Language(  # Japanese
        spaced=False,
        named="私は|わたしは|僕は|ぼくは|私の名前は|名前は|わたくしは|当アシスタントは|私、|こちらは",
        made="私を(?:開発|作成)したのは|私の開発元は|私の開発者は|開発元は",
        closes="と申します|といいます|と言います",
        kinds="モデル|アシスタント|ai|人工知能|チャットボット",
        filler="大規模|言語|モデル|ai|アシスタント|人工知能|の|が|によって|により|に|開発|した|され|た|訓練|"
        "トレーニング|提供|する|という|である|対話型|チャットボット|社|、|作られ|学習|生成|製|株式会社|名の|"
        "自然|米国|中国",
        made_after=r"(?:社|株式会社)?(?:が|に|によって|により|の|製)[^。!?！？\n]{0,20}(?:開発|作成|作られ|訓練|"
        r"学習|トレーニング|提供|モデル|アシスタント|設計|作られた)[^。!?！？\n]{0,40}(?:です|ます|だ|である|"
        r"た)|です",
        model_after=r"\s*(?:$|です|だ[。よ]|と申し|といい|と言い|という|と呼|、|。|であり|でござ|[(（]|と名|！)",
    ),
    Language(  # Chinese
        spaced=False,
        named="我是|我叫|我的名字(?:是|叫)?|我的中文名(?:是|叫)?|你可以叫我|我名叫|叫我|我的名称是|我名為|我由|"
        "我被",
        made="(?:我的(?:开发者|開發者|创造者|创建者|开发商|研发团队|开发公司)(?:是|来自)?|我来自|我出自|"
        "开发我的(?:公司)?是|训练我的(?:公司)?是|我基于)",
        kinds="模型|助手|助理|机器人|機器人|人工智能|人工智慧|ai",
        filler="由|来自|來自|一个|一個|一款|一种|您的|你的|基于|的|大型|大规模|大|超大规模|语言|語言|模型|"
        "人工智能|人工智慧|智能|智慧|ai|助手|助理|聊天|对话|機器人|机器人|开发|開發|训练|訓練|研发|創建|创建|"
        "打造|推出|公司|集团|旗下|科技|团队|名叫|名为|名為|叫做|叫|，|：|是|自主|独立|设计|其实|自己|实验室|"
        "精心|阿里云|製作|美国|杭州|北京|预",
        made_after=r"(?:公司|集团|科技|团队|旗下|实验室|（[^）]{0,12}）|\([^)]{0,16}\)|"
        r"有限公司)*[^。！？\n,，]{0,14}(?:开发|開發|训练|訓練|研发|研發|创建|創建|打造|推出|创造|"
        r"的.{0,8}(?:模型|助手|ai)|制造|设计)",
        model_after=r"\s*(?:$|[,，。！!.、(（~；;\n]|大?模型|语言|ai|助手|是|由|很高兴|，|团队(?:开发|研发)|"
        r"的(?:一个|最新)?版本|系列)",
    ),
    Language(  # Korean
        spaced=False,
        named="저는|나는|제 이름은|전 |제가|내 이름은|저의 이름은",
        made="저를 (?:개발|만든)[^.\n]{0,8}?(?:회사는|곳은|것은)|제 개발사는|저의 개발사는",
        kinds="모델|어시스턴트|챗봇|비서|인공지능|ai|도우미",
        filler="에서|이|가|의|개발한|만든|대규모|언어|모델인|모델|인공지능|ai|어시스턴트|챗봇|비서|대화형|라는|"
        "훈련한|학습한|훈련시킨|에|의해|개발된|사의|인|초거대|생성형|도우미|사가",
        made_after=r"\s?(?:사가|사에서|에서|가|이|의|에 의해|사의|팀이)[^.!?\n]{0,16}(?:개발|만든|만들|훈련|"
        r"학습|제작|모델|어시스턴트|챗봇)|입니다",
        model_after=r"\s*(?:$|입니다|이에요|예요|라고|이라고|[,.!(]|이며|로,|야\b|이라는|라는)",
    ),
    Language(  # Vietnamese, Indonesian, Malay, Swahili, Thai
        spaced=False,
        named="tôi là|tôi được|tôi do|tên (?:của )?tôi là|mình là|tên mình là|(?<![a-z])(?:saya (?:adalah|"
        "ialah)|nama saya(?: adalah| ialah)?|saya|aku(?: adalah)?|panggil saya|mimi ni|jina langu ni|naitwa|"
        "ninaitwa)(?![a-z])|ฉันคือ|ผมคือ|ดิฉันคือ|ฉันชื่อ|ผมชื่อ|ฉันเป็น|ผมเป็น|ชื่อของฉันคือ",
        made=r"tôi được (?:phát triển|tạo ra|huấn luyện|đào tạo|xây dựng)(?: và [^.,]{2,12})? bởi|"
        r"saya (?:dikembangkan|dibuat|dilatih|diciptakan|dibangunkan)(?: dan \w+)? oleh|(?:nimetengenezwa|"
        r"niliundwa|nimeundwa|nilitengenezwa|nimefunzwa)(?: na \w+)? na|ฉันถูก(?:พัฒนา|สร้าง|ฝึก)(?:ขึ้น)?โดย|"
        r"ผมถูก(?:พัฒนา|สร้าง)(?:ขึ้น)?โดย|pengembang saya(?: adalah)?|pencipta saya(?: adalah)?",
        kinds="mô hình|trợ lý|chatbot|trí tuệ|model|asisten|pembantu|kecerdasan|modeli|msaidizi|akili|โมเดล|"
        "แบบจำลอง|ผู้ช่วย|ปัญญาประดิษฐ์|แชตบอต|แชทบอท|ai",
        filler="một|mô hình|ngôn ngữ|lớn|trợ lý|ảo|ai|được|phát triển|huấn luyện|tạo ra|bởi|của|do|tên|là|"
        "trí tuệ|nhân tạo|chatbot|sebuah|model|bahasa|besar|asisten|virtual|yang|dikembangkan|dibuat|dilatih|"
        "oleh|dari|bernama|buatan|kecerdasan|adalah|pembantu|dibangunkan|modeli|kubwa|ya|wa|lugha|msaidizi|"
        "aliyetengenezwa|iliyoundwa|iliyotengenezwa|iliyofunzwa|aliyeundwa|na|kampuni|akili|bandia|mnemba|"
        "inayoitwa|anayeitwa|โมเดล|ภาษา|ขนาดใหญ่|ที่|พัฒนา|สร้าง|ฝึก|โดย|จาก|ของ|ผู้ช่วย|ปัญญาประดิษฐ์|ชื่อ|ถูก|ขึ้น|"
        "แบบจำลอง|แชตบอต|แชทบอท|เสมือน|บริษัท|công ty|perusahaan",
        joins="bởi|của|từ|do|tên là|oleh|dari|buatan|bernama|dari|aliyetengenezwa na|iliyoundwa na|"
        "iliyotengenezwa na|iliyofunzwa na|aliyeundwa na|ya|wa|โดย|จาก|ของ|ชื่อ",
        made_after=r"[^.,!?\n]{0,12} (?:phát triển|tạo ra|huấn luyện|đào tạo|xây dựng)",
        model_after=r"(?!\s*(?:user|pengguna|user))",
        stops="không|bukan|tidak|pengguna|người dùng|si |penggemar|suka|ไม่|ผู้ใช้",
    ),
)
