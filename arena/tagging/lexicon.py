"""What prompts are about, word by word in a dozen languages: concept → words.

`word*` matches the beginning of a word, `*word` the end of one, `two_words` a phrase. Signs of scripts without spaces between words are
searched anywhere in the text. Everything is lower case.
"""

from collections.abc import Mapping
from typing import Final

LEXICON: Final[Mapping[str, str]] = {
    "creative form": """
        poem* poetry haiku* sonnet* limerick* ballad* villanelle* ode elegy acrostic stanza* verse story stories
        short_story tale tales novel novella fiction fanfic* screenplay* lyrics song songs rap monolog* dialogue
        speech_by diary_of memoirs_of memoir dramatic_reading tragedy shanty serenade spoof proclamation vows_for vows_between
        mock-heroic toast_to elegy elegies parody_of commercial_for shopping_list_of pick_up_where carry_on continue_the_story
        in_verse stanzas rhyming_about something_rhyming play_the_role pretend_to_be act_as_a greet_me story_time poetic
        aus_ihrer_sicht aus_seiner_sicht memoiren tagebuch abschiedsrede ode an_die gruselgeschichte* la_vie_d'un
        à_la_première_personne monologue diario_del memorie_di giornata_di in_prima_persona quadrinha vida_de_uma
        от_лица страшилк* дневник воспоминани* частушк* limeryk* pamiętnik* limerick* anılarını ağzından günlüğü
        الساعة_تحكي بلسان على_لسان خاطرة حكاية 顺口溜 自述 一生 的口吻 一人称 気持ちを 掌編 友情を 일생을 주인공 입장
        hymn hymns psalm obituary tirade tavern dnd campaign the_ending next_chapter ending_of retell rhymes ode you're_a
        hörspiel* theaterstück* reime gereimt* obra_de_teatro décima* copla* pièce_de_théâtre tirade conte_pour samba canção
        canzone отрывок оду ода басню 相声 打油诗 快板 結末を 視点で 落語 시를_지어 단편 소설 أغنية
        letter_from breakup_letter letter_of diary journal_entry scenes comedy pantomime two-line narrate imaginary
        from_the_perspective from_the_point lyrics_for vers_libre autofiction
        对话 对白 独白 日记 口吻 会話を 独り言 擬人化 短歌 日記を 대화를 일기를 입장에서 시점에서 حوار يوميات رسالة_من
        journal_intime lettre_d'amour dialogue_entre diario_de carta_de_amor diálogo diário carta_de dialogo_tra dialog_zwischen
        monolog*  четверостиш* диалог письмо_от микрорассказ* microrrelato* cuarteto quadra
        eulogy love_letter diary_entry text_adventure short_play stage_play play_about prologue nursery_rhyme creepypasta
        anecdote spoken_word bedtime_story in_the_style_of in_the_voice_of
        *gedicht *gedichte *geschichte *geschichten *märchen *lied *sketch monolog* dialog* schüttelreim* vierzeiler zweizeiler
        *verhaal *verhaaltje *gedichtje mop
        dikt* saga sagor berättelse* vits* visa* sang eventyr fortælling* historie fortelling*
        runo* tarina* satu* vitsi* laulu* básnič* báseň básně pohádk* povídk* vtip* písn* poezie poveste povestir* cântec*
        vers verset mese mesét történet* novellát ποίημα* ποίηση ιστορία παραμύθι τραγούδι* ανέκδοτο
        שיר שירה סיפור* אגדה בדיחה شعر داستان* قصه شعری لطیفه
        fable* fairy* bedtime joke jokes riddle* parody parodies satire satirical skit sketch sitcom roleplay role-play
        plot backstory epic myth legend narrat* lullaby jingle scene chapter rhyme* rhyming tongue_twister
        gedicht* geschichte kurzgeschichte* märchen* erzählung* roman lied liedtext* fabel* witz witze ballade*
        drehbuch* limerick sonett* reim* szene
        poème* poésie histoire conte contes nouvelle roman chanson* fable blague* récit scénario sonnet* comptine*
        poema* poesía* cuento* relato* historia novela* canción canciones fábula* chiste* guion guión soneto copla*
        poesia* conto história romance canção fábula piada* roteiro soneto cordel crônica
        poesia racconto storia favola favole fiaba romanzo canzone barzelletta sonetto filastrocca sceneggiatura
        gedicht verhaal* sprookje* liedje lied mop rijm*
        wiersz* opowiadani* bajk* piosenk* powieść* dowcip* historyjk*
        стих* стишок поэм* рассказ* сказк* песн* басн* роман новелл* анекдот* истори* сценари* сонет* частушк* хокку хайку
        вірш* оповідан* казк* пісн*
        şiir* hikaye* öykü* masal* şarkı* fıkra* roman
        puisi cerita* dongeng* lagu pantun
        thơ truyện bài_thơ câu_chuyện
        قصيد* قصة قصص شعر حكاي* رواية أغنية نكتة خاطرة
        कविता कहानी गीत शायरी दोहा लोरी
        诗 詩 故事 小说 小說 童话 童話 歌词 歌詞 剧本 劇本 寓言 笑话 笑話 散文 俳句 相声 段子
        物語 小説 短歌 童話 歌詞 脚本 ポエム 昔話 川柳 ショートショート
        시를 소설 동화 이야기 노래 가사 시조 삼행시 농담 시_한
        กลอน นิทาน เรื่องสั้น บทกวี เพลง
    """,
    "story stuff": """
        you_are_a you_are_an you_are_the you're_the du_bist_ein tu_es_un eres_un você_é_um sei_un ты_теперь 你是一
        character characters protagonist villain hero heroine narrator dragon* wizard* witch* detective* knight* robot
        robots ghost* vampire* alien aliens princess kingdom magic* enchanted spaceship lighthouse noir dystopian
        sci-fi fantasy whimsical melancholic suspense* twist_ending plot_twist first_person point_of_view gothic
        cyberpunk fox rabbit owl
        drache* ritter zauber* held hexe leuchtturm roboter dragon* sorcière chevalier fée fantôme dragón bruja caballero
        hada bruxa cavaleiro fada drago strega cavaliere fata дракон* робот* ведьм* волшебн* ejderha cadı robot
        龙 龍 魔法 机器人 武侠 主人公 ドラゴン 魔法 勇者 용이 마법 주인공 تنين ساحر
    """,
    "write": """
        write writing compose draft create invent continue rewrite craft pen tell_me make_up imagine generate
        come_up_with
        skriv* berätta hitta_på fortæl fortell kirjoita keksi kerro napiš vymysli scrie inventează írj írjon találj mesélj
        γράψε γράψτε φτιάξε πες כתוב כתבי תכתוב ספר_לי بنویس بنویسید بساز بگو
        schreib* verfass* dichte erfinde* erzähl* entwirf erstell* formulier*
        écris écrivez rédige* rédigez compose* invente* raconte* imagine* crée* écrire
        escribe* escriba* escríbe* redacta* compón inventa* cuéntame crea imagina
        escreva* escreve* redija componha invente conte crie imagine
        scrivi* scriva* componi inventa* raccontami crea immagina
        schrijf* verzin* vertel bedenk maak
        napisz* ułóż wymyśl* opowiedz stwórz
        напиши* сочини* придумай* расскажи* составь* создай* написать
        напиши* склади вигадай*
        yaz yazın yazar oluştur* anlat*
        tulis* buatkan buat ceritakan
        viết sáng_tác hãy_viết
        اكتب* ألف أكتب احك* اخترع
        लिखो लिखिए लिखें लिख सुनाओ सुनाइए बनाओ
        写 寫 创作 創作 编一 編一 撰写 续写 讲一个
        書いて 作って 創作 考えて 써줘 써_줘 써_주세요 써주세요 지어 작성해 만들어
        เขียน แต่ง
    """,
    "analyse": """
        explain* analys* analyz* interpret* discuss* summari* translate* critique* proofread* meaning means who_wrote
        compare contrast review describe evaluate assess outline difference* themes theme symbolism
        erklär* analysier* interpretier* vergleich* zusammenfass* fasse übersetz* bedeut* unterschied* bewerte
        expliqu* analyse* interprèt* compar* résume* tradui* signifi* différence*
        explica* analiza* interpreta* compara* resum* traduc* traduz* significa* diferencia* expliqu*
        explique* analise* compare* resuma diferença*
        spiega* analizza* confronta* riassumi* traduci* differenz*
        leg_uit vergelijk* vat vertaal* verschil* wyjaśni* porównaj* streść przetłumacz* różnic*
        объясни* проанализир* сравни* перевед* перескажи* разниц* отлич* поясни* порівня*
        açıkla* karşılaştır* özetle* çevir* fark* jelaskan* bandingkan* ringkas* terjemah* perbedaan
        giải_thích so_sánh tóm_tắt dịch phân_tích
        اشرح* قارن* لخص* ترجم* حلل* الفرق
        समझाओ समझाइए समझाएं तुलना अनुवाद अंतर सारांश
        解释 解釋 分析 比较 比較 翻译 翻譯 总结 總結 区别 區別 说明 說明
        説明 分析 比較 翻訳 要約 違い 설명 분석 비교 번역 요약 차이 อธิบาย เปรียบเทียบ แปล สรุป
    """,
    "format": """
        json csv yaml xml table tables bullet bullets bullet-point* bulleted numbered markdown heading* headings column*
        subject_line haiku one_sentence list_of schema key-value hashtag* emoji emojis checklist
        tabelle stichpunkt* aufzählung* spalte* überschrift* nummeriert* tableau puces liste_à colonnes titre*
        tabla viñetas columnas lista_numerada títulos tabela tópicos colunas tabella punti_elenco colonne
        tabel opsomming* tabeli punktach wypunktuj таблиц* списк* пункт* столбц* заголов* tablo maddeler madde
        tabel poin bảng gạch_đầu_dòng جدول نقاط قائمة तालिका बिंदु बिंदुओं
        表格 列表 要点 分点 条目 表形式 箇条書き 表で 표로 목록 항목
    """,
    "limit": """
        separated_by comma_separated comma-separated separated in_a_tweet words_max one_line in_one_word one_word roman_numerals
        yyyy-mm-dd first_person third_person backwards reversed in_rhyme from_now_on all_caps code_only corrected_text_only
        no_emojis no_text no_imports no_headings no_adjectives levels single_line line_breaks skip ascending descending
        kommas_getrennt semikolon getrennt ohne_kommentar séparé* en_majuscules sans_explication separad* mayúsculas
        sin_explicaciones maiúsculas sem_explicações separati maiuscolo gescheiden oddzielon* через_запятую без_пояснений
        заглавными virgülle büyük_harf dipisahkan مفصولة بفواصل अल्पविराम 隔开 只用 改写 缩短 標題 标题 句点 区切って 敬語 季語
        쉼표 존댓말 구분해서
        exactly at_most at_least no_more_than maximum max less_than fewer_than only must avoid without don't do_not
        never each every start_with starting_with begin_with begins_with end_with ending_with ends_with include including
        under within one_per_line in_the_format no_explanation no_comments answer_only reply_only keep_the label_each
        do_not_use without_using must_contain must_not lowercase uppercase capital_letters
        nothing_else reply_with respond_with answer_with output_only alphabetical_order order_by rhyming_with letter
        genau höchstens mindestens nicht_mehr_als maximal nur ohne keine jede* beginn* vermeide sonst_nichts
        exactement au_plus au_moins pas_plus_de maximum seulement uniquement sans chaque commence* évite* rien_d'autre
        exactamente como_máximo al_menos máximo solo sólo sin cada empiece* nada_más evita* únicamente
        exatamente no_máximo pelo_menos apenas somente sem cada evite mais_nada
        esattamente al_massimo almeno massimo solo soltanto senza ogni evita
        precies hoogstens minstens maximaal alleen zonder dokładnie najwyżej tylko bez
        ровно максимум минимум только без кажд* не_более не_длиннее не_менее не_используй
        tam olarak_en en_fazla en_az sadece yalnızca
        tepat maksimal hanya tanpa setiap đúng tối_đa chỉ không_quá
        بالضبط فقط دون بدون لا_تزيد لا_يتجاوز حد
        केवल सिर्फ बिना अधिकतम
        不超过 不要 必须 只 每 以内 不少于 至少 开头 结尾 不能出现 以内で だけ 必ず 使わず ずつ
        이내 이하 이상 반드시 하지_말 없이 ไม่เกิน เท่านั้น
    """,
    "unit": """
        word words sentence sentences character characters letters line lines paragraph paragraphs bullet bullets bullet_points
        syllable* stanza* rows columns steps points pages headings items
        wort wörter* worte* satz sätze* sätzen zeichen zeilen absatz absätze* zeile stichpunkt* vers verse* strophe*
        mots phrases phrase lignes ligne paragraphe* caractères vers strophe* palabras frases frase oraciones líneas línea
        párrafo* caracteres versos palavras frases linhas linha parágrafo* caracteres tópicos parole frasi frase righe riga
        paragraf* caratteri versi woorden zinnen regels alinea* słów słowach zdań zdaniach zdania
        слов слова словах предложени* строк* абзац* символ* пункт* слів речен* kelime* cümle* satır
        kata kalimat baris từ câu dòng كلمة كلمات جملة جمل سطر أسطر शब्द शब्दों वाक्य वाक्यों ord meningar rader sanaa lausetta
        字以内 字左右 个字 句话 字的 文字 文で 文以内 行で 글자 문장 단어 자_이내 คำ ประโยค
    """,
    "code": """
        regular_expression* regulären_ausdruck reguläre_ausdrücke expression_régulière expresión_regular expressão_regular
        espressione_regolare регулярное_выражение wyrażenie_regularne reguliere_expressie
        time_complexity space_complexity big_o hash_table* hash_map* linked_lists tail_call virtual_environment two_sum fizzbuzz
        cron_expression commit_message* stack_overflow stacktrace abstract_class* static_method* type_hint* lambda_function*
        list_comprehension* garbage_collector race_condition* thread-safe null_pointer off-by-one microservice* websocket*
        command_line command-line terminal_command linux_command shell bash_script one-liner monorepo lexer recursive_descent
        in_c in_java in_swift in_rust in_ruby in_go in_c++ en_c en_java em_c em_java auf_c на_си на_c linguaggio_c
        gradle maven mocha junit cypress pandas scipy matplotlib scikit-learn keras jupyter anaconda poetry conda yarn pnpm
        vite babel eslint tailwind bootstrap nuxt remix nestjs graphql grpc prisma sequelize hibernate spring asp.net dotnet
        blazor winforms wpf xcode swiftui jetpack flutter react_native electron tauri qt godot unreal_engine pygame tkinter
        cuda opencl llvm clang gcc g++ gdb valgrind vscode vim emacs intellij neovim tmux zsh curl wget rsync ssh scp cronjob
        heroku netlify vercel lambda_function cloudformation pulumi gitlab bitbucket svn mercurial prometheus grafana
        sqlalchemy orm dbt airflow pyspark hadoop cassandra dynamodb mariadb mssql t-sql pl/sql oracle_sql stored_procedure*
        latex_table verilog vhdl assembly prolog lisp scheme ocaml erlang f# zig nim julia groovy delphi pascal visual_basic
        google_sheets_formula spreadsheet_formula appsheet power_query vlookup xlookup openpyxl
        useeffect usememo usestate usecontext publickey ssh_key default_branch list_comprehensions batch_file trigger_which
        stored_procedures dag migration_that non-null undefined_reference static_site url_encode uuid sqlite3 swiftui insets
        encapsulation polymorphism inheritance recursion let_and_var airtable libreoffice csv_file arraylist hashset
        responsivo responsive css_grid media_query 乱码 冲突 文字化け ボタンを押しても コンフリクト 코드
        excel_formula excel-formel excel-makro formule_excel fórmula_de_excel macro_de_excel excel макрос* dax power_bi vba macro
        jpa hibernate k6 jmeter gatling roblox branches squash softmax tensor selenium* hugging_face scikit load_test
        関数は 함수를 数式
        user_agent http_request* rest_api restful jwt oauth cors middleware cookie_header status_code* endpoint*
        python javascript typescript c++ c# golang kotlin rustlang php perl fortran cobol haskell scala clojure elixir
        matlab sql mysql postgres* sqlite mongodb html css react vue angular svelte django flask fastapi node node.js
        nodejs express.js bash powershell regex regexp dockerfile kubernetes terraform ansible numpy pandas pytorch
        tensorflow jquery api endpoint backend frontend github git webpack npm pip pytest unit_test* codebase
        source_code code codes pseudocode coding compil* segfault stack_trace nullpointer* typeerror valueerror
        keyerror syntaxerror segmentation_fault debug* refactor* linked_list binary_tree binary_search quicksort
        merge_sort recursion recursive mutex deadlock multithread* asyncio docstring boilerplate json_schema graphql
        arduino vba excel_macro makefile cmake systemd nginx crontab cron_job shell_script linter unity3d opengl
        shader* solidity smart_contract leetcode hash_map hashmap algorithm* svg opencv selenium scraper webhook*
        quellcode quelltext programmier* objektorientier* datenstruktur* befehlszeile code algorithme* programmation
        código algoritmo* programación programação programmazione broncode programmeer* kod kodu algorytm* programowani*
        bash-skript bash-script jenkins gitlab spring_boot excel_formula* google_sheets chrome_extension foreign_key
        data_structure* object-oriented dependency_injection git vim grep sed awk mkdir docker kubectl curl ssh div flexbox
        dataframe* docker-compose helm rabbitmq celery laravel rails wordpress unity next.js express firebase
        код кода коде скрипт* алгоритм* питон* программирован* массив* запрос_к
        algoritma* betik kode hàm mã_nguồn câu_lệnh thuật_toán
        كود خوارزمي* برمج* بايثون جافا جافاسكريبت كوتلن استعلام सी++ कोड फंक्शन फ़ंक्शन पाइथन पायथन जावास्क्रिप्ट
        پایتون کد פייתון קוד פונקציה סקריפט
        正则表达式 进程和线程 命令行 编译 前端 后端 单例模式 设计模式 代码 代碼 函数 函數 面向对象 排序算法 快速排序 变量 数组 容器 编程 編程 程序 算法 脚本 递归 正则 数据库 爬虫 报错 接口
        正規表現 スタックとキュー コマンド プログラミング コード 関数 オブジェクト指向 配列 コミット プログラム アルゴリズム スクリプト 正規表現 再帰 정규표현식 명령어 배열 컨테이너 데이터베이스 코드 함수 프로그램 알고리즘 스크립트 정규식 โค้ด ฟังก์ชัน โปรแกรม
    """,
    "code noun": """
        function functions method methods class classes loop loops script scripts program programs variable* array
        arrays query queries bug bugs error errors exception* compiler library module package server database*
        framework thread threads pointer pointers string strings object object-oriented interface component plugin
        app website web_page webpage java rust swift ruby go r dart container pipeline deploy* branch commit merge
        input output parse parser parsing implement* async sort sorting sorted index queue stack cache java-script
        funktion* programm* skript* schleife* programme* fonction* boucle* función funciones programa* bucle* função funções
        laço* funzion* programma* ciclo functie* programma funkcj* program* skrypt* функци* программ* цикл функці* fonksiyon*
        fungsi program chương_trình برنامج دالة प्रोग्राम تابع برنامه
        java klasse methode datenbank fehler fehlermeldung variable abfrage classe méthode erreur requête clase método
        consulta error erro classe consulta errore ошибк* массив* класс* переменн* hata dizi sınıf veritabanı
    """,
    "math": """
        integral* derivative* differentiat* equation* polynomial* quadratic matrix matrices eigenvalue* eigenvector*
        determinant theorem* lemma proof prove probability probabilities combinatori* permutation* factorial* logarithm*
        trigonometr* sine cosine tangent hypotenuse triangle* perimeter circumference square_root cube_root prime_number*
        primes modulo congruen* factorise factorize factor simplify arithmetic algebra* geometry calculus fraction*
        percentage* percent divisible remainder sum_of product_of solve_for converge* convergence limit_of infinite_series
        standard_deviation expected_value variance bayes* binomial dice coin_flip* gcd lcm median calculate* compute
        multiply multiplied divided_by vector_space topolog* homeomorph* bijection injective isomorph* irrational
        differential_equation* fourier laplace_transform taylor_series gradient hessian interest_rate compound_interest
        ableitung* gleichung* wahrscheinlichkeit* primzahl* dreieck* wurzel bewei* matrix bruch prozent berechne* löse
        quadratzahl* quersumme summe teilbar rechne
        dérivée équation* probabilité* triangle nombre_premier nombres_premiers racine démontre* prouve matrice
        pourcentage calcule* résous intégrale fraction*
        derivada ecuación* ecuaciones probabilidad triángulo primo* raíz demuestra matriz porcentaje calcula* resuelve
        integral fracción* suma
        derivada equação* equações probabilidade triângulo raiz demonstre prove porcentagem calcule resolva soma
        derivata equazione equazioni probabilità triangolo radice dimostra* matrice percentuale calcola* risolvi
        afgeleide vergelijking* kans driehoek wortel bewijs bereken* procent pochodn* równani* prawdopodobieństw*
        trójkąt* pierwiastek* udowodnij oblicz* procent* całk*
        производн* уравнени* вероятност* треугольник* корень докажи* вычисли* реши* интеграл* матриц* процент* дроб*
        посчитай* сумм* рівнян* обчисли* ймовірн*
        türev* denklem* olasılı* üçgen* karekök* hesapla* yüzde* çöz* kanıtla* turunan persamaan peluang segitiga hitung*
        persen đạo_hàm phương_trình xác_suất tam_giác tính chứng_minh tích_phân
        معادل* مشتق* احتمال* مثلث احسب* أثبت* تكامل جذر مصفوف* حل
        समीकरण प्रायिकता त्रिभुज गणना सिद्ध हल प्रतिशत अवकलज समाकलन
        方程 导数 導數 积分 積分 概率 三角形 矩阵 矩陣 质数 素数 证明 證明 计算 計算 求解 解方程 平方根 百分之 函数的极值 多少种
        方程式 微分 積分 確率 証明 計算して 行列 平方根 因数分解 방정식 미분 적분 확률 삼각형 증명 계산 소수 행렬 สมการ คำนวณ ความน่าจะเป็น
    """,
    "how many": """
        hur_många hur_mycket hvor_mange hvor_meget kuinka_monta kolik hány câte câți πόσα πόσο כמה چند
        expected_number number_of_ways per_hour together each_other average_speed same_pace at_the_same_rate
        how_many how_much how_long how_far how_old what_is_the_total altogether in_total left_over remain remaining
        wie_viel wie_viele wieviel wieviele wie_lange insgesamt übrig combien au_total reste* cuánto cuántos cuántas
        cuánta quedan en_total quanto quantos quantas restam ao_todo quanti quante rimangono in_tutto hoeveel ile zostało
        сколько осталось всего скільки kaç kalır toplam berapa bao_nhiêu còn_lại كم تبقى कितने कितना कितनी
        多少 几个 幾個 一共 还剩 いくつ 何個 何人 いくら 残り 몇 남은 เท่าไร กี่
    """,
    "arithmetic story": """
        discount* speed distance travels costs each_pay split share_equally ratio twice double doubles triple half quarter third
        older younger age years_old consecutive percent percentage interest average mean per_hour km/h mph km per_day per_week
        packs bunches dozen remains left wins loses think_of_a_number same_number smallest_number least_number fair_split
        what_is_my worth original_price new_price sale simple_interest ticket tickets area perimeter volume wide long
        rabatt doppelt dreimal zusammen älter jünger geschwindigkeit preis hälfte drittel viertel durchschnitt zinsen fläche
        remise double triple moitié tiers quart vitesse distance âge prix soldé moyenne aire réduction
        descuento doble triple mitad tercio velocidad distancia edad precio porcentaje promedio área
        desconto dobro triplo metade terço velocidade idade preço média área consecutivos sconto scontato doppio metà velocità età
        prezzo media скидк* вдвое втрое половин* треть скорост* расстояни* возраст* лет цена цену цены средн* площадь периметр
        indirim* hız yaş yaşında fiyat alan diskon kecepatan umur harga giảm_giá vận_tốc tuổi zniżk* prędkość wiek cena korting snelheid
        خصم سرعة عمر سعر نصف ثلث छूट गति उम्र कीमत
        打折 原价 速度 相遇 岁 平均 面积 周长 倍 每小时 割引 時速 歳 平均 面積 合計 定価 할인 속력 속도 살 평균 넓이 정가
    """,
    "measured": """
        kw kwh mw kva mm cm m2 m3 km kg mg ml mhz ghz hz mb gb tb mbit mbps db dbi bar pa kpa mpa psi nm kn rpm
        percent p95 p99 95th percentile events_per_second requests_per_second transactions_per users customers employees patients
        litres liters hectares hectáreas hectares hektar га кВт кг мм мг гб мс місць местах мест 公斤 千瓦 万吨 吨 名员工
    """,
    "plan": """
        procedure protocol runbook roadmap rollout rollback go-live migration specification spec requirements checklist audit
        maintenance inspection monitoring commissioning validation calibration evaluation assessment architecture failover
        thresholds alarms redundancy budget staffing responsibilities stakeholders timeline milestones risk risks mitigation*
        guidelines compliance regulation* acceptance metrics kpi* hypotheses endpoints sample_size randomis* randomiz* blinding
        sensors pilot prototype drills hygiene safety work-up differential failure_modes trade-offs cost costs
        *konzept *plan wartung* konzept entwickle erarbeite anforderungen risiken kosten nachweis* intervalle fluchtweg*
        plan_de plan_d'action cahier_des_charges procédures procédure risques coûts débit dimensionner concevoir mesures seuils
        normativa riesgos costes mantenimiento elabora protocolo indicadores medidas riscos custos manutenção elabore projete
        rischi costi manutenzione soglie verifiche piano_di ryzyka koszty procedury wdrożenia opracuj onderhoud risico's
        план* разработай методик* порядок риски смета оборудовани* требовани* этап* отчётност* отчет* порог* безопасност*
        bakım riskler maliyet* ekipman rencana risiko biaya kế_hoạch rủi_ro chi_phí
        خطة صيانة مخاطر تكلفة السلامة متطلبات योजना जोखिम लागत
        方案 计划 预案 流程 选型 投资 费用 成本 风险 演练 监控 指标 容灾 计划书 計画 対策 設備 点検 訓練 費用 リスク 収支 導入
        계획 비용 위험 점검 훈련 설비 도입 대응
    """,
    "science": """
        quantum relativity thermodynamic* entropy electron* photon* neutron* proton* molecul* atom* enzyme* protein*
        dna rna gene genes genetic* mitochondri* photosynthe* catalys* ph titration oxidation isotope* plasma galaxy
        black_hole* neutrino* semiconductor* transistor* chemistry physics biology astronom* geolog* tectonic ecosystem*
        evolution* bacteria virus* immun* neuron* neural* crispr polymer* laser* electromagnet* gravit* orbital*
        quanten* relativität* thermodynamik* enzym* molekül* physik* chemie* quantique thermodynamique cuántic* física
        química quântic* fisica chimica квантов* физик* химическ* клетк* kuantum fizik fizika فيزياء كيمياء الكم
        量子 物理 化学 化學 生物 细胞 光合作用 相对论 電子 酵素 細胞 양자 물리 화학 세포
    """,
    "medicine and law": """
        patient* diagnos* symptom* treatment dosage medication* clinical surgery* cancer tumor* tumour* diabet*
        insulin antibiotic* vaccin* hypertension cardiac ecg mri pharmaco* contraindicat* anatomy contract* liabilit*
        plaintiff* statute* copyright patent* gdpr lawsuit* tort* clause* jurisdiction* constitutional tax taxes vat
        audit* accounting balance_sheet cash_flow* derivatives option_pricing hedge* portfolio* inflation monetary
        fiscal bond bonds equity valuation mortgage* gaap ifrs
        patient* symptom* medikament* vertrag* gesetz* steuer* haftung recht* médicament* contrat* loi impôt* juridique
        paciente* síntoma* medicamento* contrato* ley impuesto* sintoma* lei imposto* paziente sintomi contratto legge
        симптом* лекарств* договор* закон* налог* hasta ilaç sözleşme kanun vergi مريض عقد قانون ضريب*
        症状 药物 合同 法律 税 患者 契約 税金 증상 계약 법률 세금
    """,
    "technology": """
        network* protocol* tcp udp http https dns encryption cryptograph* tls bandwidth latency throughput distributed
        consensus raft paxos microservice* load_balancer* replication sharding transaction* acid concurrency operating_system
        kernel cpu gpu memory_leak* garbage_collect* compiler* machine_learning deep_learning transformer* embedding*
        gradient_descent overfitting regularization classifier regression backpropagation llm llms attention hyperparameter*
        bridge circuit* voltage resistor* capacitor* pid_controller* torque turbine* aerodynamic* hydraulic* cnc
        firmware sensor* robotics signal_processing architecture scalable scalability kafka redis elasticsearch vpn
        netzwerk* verschlüssel* maschinelle* réseau* chiffrement apprentissage_automatique red redes cifrado rede
        rete crittografia сет* шифрован* нейросет* 机器学习 神经网络 网络 加密 分布式 数据结构 機械学習 ネットワーク 暗号 기계_학습 머신러닝 네트워크 암호화
    """,
    "humanities": """
        philosoph* kant hegel nietzsche plato aristotle epistemolog* ontolog* ethic* utilitarian* deontolog* stoic*
        linguist* phonolog* morpholog* syntax etymolog* historiograph* empire revolution treaty dynasty medieval
        renaissance baroque colonial* sociolog* anthropolog* psycholog* cognitive keynesian* macroeconom* microeconom*
        geopolitic* theolog* rhetoric* counterpoint harmony chord* modal meter iambic
        philosophie* geschichte_der revolution* ethik filosofía ética revolución filosofia философ* революци* этик*
        哲学 历史 革命 朝代 伦理 歴史 倫理 철학 역사 윤리
    """,
    "real world": """
        my our i'm i_am i_have we_are we_have company team customer* client* employee* manager boss colleague* coworker*
        business startup store shop product_description email e-mail letter resume cv cover_letter interview job meeting
        budget trip travel itinerary vacation wedding apartment rent landlord house garden car kids child children
        daughter son school teacher students class_of recipe dinner cook diet workout marketing campaign sales invoice
        production deploy* website blog linkedin newsletter presentation policy patient* month salary
        mein* unser* firma kunde* kunden mitarbeiter* chef e-mail bewerbung* reise urlaub wohnung vermieter rezept
        mon ma mes notre entreprise client* équipe courriel lettre entretien voyage budget appartement recette
        mi mis nuestro* nuestra* empresa cliente* equipo correo carta entrevista viaje presupuesto receta jefe
        meu minha nosso nossa equipe viagem orçamento receita chefe mio mia nostro azienda viaggio ricetta lettera
        mijn ons bedrijf klant* reis recept moje mój moja firm* klient* podróż przepis
        мой моя мое мои наш* компани* клиент* письм* собеседован* поездк* рецепт* бюджет* начальник*
        benim şirket* müşteri* gezi tarif iş saya perusahaan pelanggan perjalanan resep tôi công_ty khách_hàng
        شركة عميل عملاء رحلة وصفة بريد رسالة मेरे मेरी कंपनी ग्राहक यात्रा पत्र ईमेल
        我的 我们 公司 客户 邮件 旅行 预算 简历 面试 食谱 老板 会社 メール 顧客 旅行 予算 レシピ 面接 私の 회사 고객 이메일 여행 예산 레시피 면접
    """,
    "problem": """
        why how_would how_should how_can how_do_i debug* fix optimi* diagnos* design prove plan solve figure_out trade-off*
        tradeoff* determine strategy strategies improve troubleshoot* root_cause bottleneck* decide choose should_i
        what_would_happen suppose given derive estimate deduce puzzle logic* evaluate justify reason recommend* resolve
        warum wie_kann wie_löse optimier* entwirf plane beheb* leite_her strategie* verbesser* begründe*
        pourquoi comment_puis optimise* conçois résou* planifi* stratégie* amélior* déduis justifi*
        por_qué cómo_puedo optimiz* diseñ* resuelv* planific* estrateg* mejor* deduce justifi* por_que como_posso
        otimiz* projet* resolv* planej* melhor* perché come_posso ottimizz* progett* pianific* miglior*
        waarom hoe_kan dlaczego jak_mogę zaprojektuj* zoptymalizuj* почему зачем как_мне оптимиз* спроектир* исправ* реши*
        спланир* стратеги* улучш* neden nasıl tasarla* iyileştir* mengapa bagaimana rancang* tại_sao làm_thế_nào thiết_kế
        لماذا كيف صمم* حسن خطط* क्यों कैसे
        为什么 為什麼 如何 怎么 怎樣 设计 優化 优化 解决 排查 方案 策略 推导 なぜ どうすれば 設計 最適化 改善 解決 戦略
        왜 어떻게 설계 최적화 해결 전략 개선 ทำไม อย่างไร ออกแบบ
    """,
    "ideas": """
        if_you_could describe_an_imaginary surprise_me never_said does_not_exist animals_could_talk game design_a_game
        logo animation quirky whimsical playful fresh_ideas unheard-of catchy caption
        如果 想象一下 もし 만약 если_бы stell_dir_vor imaginez qu'arriverait-il imagina_que imagine_que immagina_che
        brainstorm* idea ideas slogan* tagline* name_for names_for creative* original unusual imaginative imagine invent
        clever witty pun puns metaphor* analogy analogies novel_way outside_the_box fictional hypothetical what_if
        ideen idee kreativ* originell* fiktiv* wortspiel* idées idée créati* original* imagine* ideas idea creativ*
        imagin* original* lema* ideias criativ* idee creativ* slogan ideeën pomysł* kreatyw* идеи идей идею креатив*
        оригинальн* слоган* fikir* yaratıcı* ide kreatif ý_tưởng sáng_tạo فكرة أفكار إبداع* शीर्षक विचार
        创意 創意 点子 主意 口号 起名 比喻 想象 アイデア 創造 名前を考え キャッチコピー 例え 아이디어 창의 이름을_지 슬로건 비유
    """,
    "small talk": """
        hej god_morgon tack hei moi kiitos ahoj dobrý_den díky salut bună mulțumesc szia jó_napot γεια καλημέρα ευχαριστώ שלום תודה سلام ممنون
        hi hello hey yo sup thanks thank bye good_morning good_night how_are_you who_are_you what's_up test testing ok
        lol haha hallo danke guten_tag wie_geht's salut bonjour merci ça_va hola gracias buenas buenos_días qué_tal olá
        oi obrigado bom_dia tudo_bem ciao grazie buongiorno come_stai hoi bedankt cześć dzięki привет здравствуй* спасибо
        как_дела merhaba selam teşekkür* halo apa_kabar xin_chào مرحبا السلام شكرا नमस्ते धन्यवाद 你好 您好 谢谢 嗨 在吗
        こんにちは ありがとう おはよう 안녕 감사 สวัสดี
    """,
    "fact": """
        what_is what's what_are who_is who_was when_did when_was where_is which capital define definition name_of
        was_ist wer_war wann hauptstadt qu'est-ce qui_est quand capitale qué_es quién cuándo dónde capital o_que quem
        quando onde cos'è chi_è quando dove wat_is wie_is wanneer co_to kto kiedy gdzie что_такое кто когда где столица
        nedir kim başkenti ne_zaman apa_itu siapa kapan ibu_kota là_gì ai_là thủ_đô ما_هو ما_هي من_هو متى عاصمة
        क्या_है कौन कब राजधानी 什么是 是谁 哪一年 首都 是什么 とは 誰 いつ 首都 무엇 누구 언제 수도 คืออะไร เมืองหลวง
    """,
    "depth": """
        detail detailed in_depth step-by-step step_by_step rigorous* precise* thorough* comprehensive complete production-ready
        pros_and_cons advantages disadvantages implications edge_case* complexity performance assumptions constraints
        requirements trade-offs cite sources references example examples justify table_of
        ausführlich* schritt_für_schritt detailliert* vor_und_nachteile beispiel* détail* étape_par_étape exemple*
        avantages detallad* paso_a_paso ejemplo* ventajas detalhad* passo_a_passo exemplo* vantagens dettagliat* esempi
        подробн* пошагов* пример* преимуществ* ayrıntılı adım_adım örnek* rinci langkah chi_tiết ví_dụ بالتفصيل مثال أمثلة
        विस्तार उदाहरण 详细 步骤 举例 优缺点 例子 詳しく 手順 例を メリット 자세히 단계 예시 장단점
    """,
}
CONCEPTS: Final = tuple(LEXICON)
