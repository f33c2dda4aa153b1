"""Our wording of letters, in seven languages; a site may put its own in the place of each.

A body is paragraphs parted by empty lines. What stands in braces is filled in from the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FRAMES: Final[Mapping[str, tuple[str, str]]] = {
    "en": ("Dear colleagues at {partner},", "With kind regards,\n{signatory}\n{library}"),
    "ko": ("{partner} 담당자님께", "감사합니다.\n{signatory}\n{library}"),
    "zh-Hans": ("{partner}各位同仁：", "此致\n敬礼\n\n{signatory}\n{library}"),
    "zh-Hant": ("{partner}諸位同仁：", "敬請\n大安\n\n{signatory}\n{library}"),
    "ja": ("{partner} 御中", "敬具\n{signatory}\n{library}"),
    "vi": ("Kính gửi Quý đồng nghiệp tại {partner},", "Trân trọng,\n{signatory}\n{library}"),
    "mn": ("{partner}\nЭрхэм хамт олон,", "Хүндэтгэсэн,\n{signatory}\n{library}"),
}
"""How a letter opens and closes."""

Wording = Mapping[str, Mapping[str, tuple[str, str]]]

WORDING: Final[Wording] = {
    "invitation": {
        "en": (
            "An invitation to exchange books",
            (
                "{library} would like to exchange books with {partner}. We would send you books that "
                "your readers wish for, and would be glad to receive books of your city and country.\n\n"
                "You can look at what we offer at {address}. If you agree, please tell us whom we may "
                "write to, and what your readers are looking for."
            ),
        ),
        "ko": (
            "도서 교환을 제안드립니다",
            (
                "저희 {library}은(는) {partner}과(와) 도서를 교환하고자 합니다. 귀 도서관의 "
                "이용자가 바라는 도서를 보내 드리고, 귀 도시와 나라의 도서를 받고자 합니다.\n\n"
                "제공 가능한 도서 목록은 {address} 에서 보실 수 있습니다. 뜻을 같이하신다면 "
                "담당자의 연락처와 필요하신 자료의 주제를 알려 주시기 바랍니다."
            ),
        ),
        "zh-Hans": (
            "关于开展图书交换的邀请",
            (
                "{library}希望与{partner}开展图书交换。我们愿寄送贵馆读者所需的图书，也期待收藏贵市"
                "与贵国的出版物。\n\n"
                "我们可提供的图书目录见 {address} 。如蒙同意，请告知联系人以及贵馆读者所需的主题。"
            ),
        ),
        "zh-Hant": (
            "關於開展圖書交換的邀請",
            (
                "{library}希望與{partner}開展圖書交換。我們願寄送貴館讀者所需的圖書，也期待收藏貴市"
                "與貴國的出版品。\n\n"
                "我們可提供的圖書目錄見 {address} 。如蒙同意，請告知聯絡人以及貴館讀者所需的主題。"
            ),
        ),
        "ja": (
            "図書交換のご案内",
            (
                "{library}は、{partner}との図書交換を希望しております。貴館の利用者が求める図書を"
                "お送りし、貴地域の図書を受け入れたいと考えております。\n\n"
                "提供できる図書の一覧は {address} でご覧いただけます。ご賛同いただける場合は、"
                "ご担当者の連絡先と、必要とされる主題をお知らせください。"
            ),
        ),
        "vi": (
            "Thư mời trao đổi sách",
            (
                "{library} mong muốn trao đổi sách với {partner}. Chúng tôi xin gửi những cuốn sách "
                "mà bạn đọc của Quý thư viện cần, và mong được nhận sách của thành phố và đất nước "
                "của Quý vị.\n\n"
                "Danh mục sách của chúng tôi có tại {address}. Nếu đồng ý, xin Quý vị cho biết người "
                "liên hệ và những chủ đề mà bạn đọc quan tâm."
            ),
        ),
        "mn": (
            "Ном солилцох урилга",
            (
                "{library} танай номын сантай ном солилцохыг хүсэж байна. Бид танай уншигчдын хүссэн "
                "номыг илгээж, танай хот, улсын номыг хүлээн авахад баяртай байх болно.\n\n"
                "Бидний санал болгож буй номын жагсаалтыг {address} хаягаар үзнэ үү. Хэрэв та бүхэн "
                "зөвшөөрвөл холбоо барих хүн болон хэрэгцээт сэдвээ мэдэгдэнэ үү."
            ),
        ),
    },
    "offer": {
        "en": (
            "Books on offer: {title}",
            (
                "We offer our partners the books of the list “{title}”. You find it at {link}.\n\n"
                "Please let us have your wishes by {deadline}. All wishes that reach us by then are "
                "treated alike; who writes first has no advantage."
            ),
        ),
        "ko": (
            "제공 도서 안내: {title}",
            (
                "교환 협력 기관에 ‘{title}’ 목록의 도서를 제공합니다. 목록은 {link} 에서 보실 수 "
                "있습니다.\n\n"
                "{deadline}까지 희망 도서를 알려 주시기 바랍니다. 기한 안에 도착한 신청은 순서와 "
                "관계없이 동등하게 처리합니다."
            ),
        ),
        "zh-Hans": (
            "可供图书目录：{title}",
            (
                "我馆向各交换伙伴提供“{title}”目录中的图书，详见 {link} 。\n\n"
                "请于{deadline}之前告知所需图书。在此期限内收到的申请一律同等对待，不分先后。"
            ),
        ),
        "zh-Hant": (
            "可供圖書目錄：{title}",
            (
                "我館向各交換夥伴提供「{title}」目錄中的圖書，詳見 {link} 。\n\n"
                "請於{deadline}之前告知所需圖書。在此期限內收到的申請一律同等對待，不分先後。"
            ),
        ),
        "ja": (
            "提供図書のご案内：{title}",
            (
                "交換機関の皆様に、リスト「{title}」の図書を提供いたします。リストは {link} で"
                "ご覧いただけます。\n\n"
                "{deadline}までにご希望をお知らせください。期限までに届いたお申し込みは、"
                "先着順ではなく、すべて同等に扱います。"
            ),
        ),
        "vi": (
            "Danh mục sách tặng và trao đổi: {title}",
            (
                "Chúng tôi xin giới thiệu với các thư viện đối tác danh mục sách “{title}”, tại "
                "{link}.\n\n"
                "Xin Quý vị gửi yêu cầu trước {deadline}. Mọi yêu cầu đến trong thời hạn này "
                "được xem xét như nhau, không phân biệt trước sau."
            ),
        ),
        "mn": (
            "Санал болгож буй ном: {title}",
            (
                "Бид түнш номын сангууддаа “{title}” жагсаалтын номыг санал болгож байна. "
                "Жагсаалтыг {link} хаягаар үзнэ үү.\n\n"
                "Хүсэлт хүлээн авах эцсийн хугацаа: {deadline}. Энэ хугацаанд ирсэн бүх хүсэлтийг "
                "ирсэн дарааллаас үл хамааран адил тэгш авч үзнэ."
            ),
        ),
    },
    "reminder": {
        "en": (
            "Has consignment {number} arrived?",
            (
                "On {sent_on} we sent you consignment {number} with {titles} titles in {volumes} "
                "volumes. We have not heard yet whether it has arrived.\n\n"
                "Please tell us whether everything came, whether something is missing, and whether "
                "anything is damaged. The packing list has an address for that."
            ),
        ),
        "ko": (
            "발송 도서 {number} 도착 여부를 여쭙니다",
            (
                "{sent_on}에 {titles}종 {volumes}책을 담은 발송분 {number}을(를) 보내 드렸으나, "
                "아직 도착 소식을 받지 못하였습니다.\n\n"
                "모두 도착하였는지, 빠지거나 파손된 도서가 있는지 알려 주시기 바랍니다. 포장 명세서에 "
                "적힌 주소에서 바로 알려 주실 수 있습니다."
            ),
        ),
        "zh-Hans": (
            "查询第{number}批图书是否收到",
            (
                "我馆于{sent_on}寄出第{number}批图书，共{titles}种{volumes}册，至今尚未得知贵馆是否"
                "收到。\n\n"
                "请告知是否全部收到，有无短缺或破损。装箱单上印有供回复的网址。"
            ),
        ),
        "zh-Hant": (
            "查詢第{number}批圖書是否收到",
            (
                "我館於{sent_on}寄出第{number}批圖書，共{titles}種{volumes}冊，至今尚未得知貴館是否"
                "收到。\n\n"
                "請告知是否全部收到，有無短缺或破損。裝箱單上印有供回覆的網址。"
            ),
        ),
        "ja": (
            "発送分{number}の到着について",
            (
                "{sent_on}に、{titles}タイトル{volumes}冊を発送分{number}としてお送りしましたが、"
                "到着のご連絡をまだいただいておりません。\n\n"
                "すべて届いているか、不足や破損がないか、お知らせください。梱包明細書に"
                "ご回答用のアドレスがございます。"
            ),
        ),
        "vi": (
            "Kiện sách {number} đã đến chưa?",
            (
                "Chúng tôi đã gửi Quý vị kiện sách {number} vào {sent_on}, gồm {titles} tên sách, "
                "{volumes} bản, nhưng chưa được biết sách đã đến hay chưa.\n\n"
                "Xin Quý vị cho biết sách đã đến đủ hay còn thiếu, và có cuốn nào bị hư hỏng không. "
                "Trên phiếu đóng gói có địa chỉ để trả lời."
            ),
        ),
        "mn": (
            "{number} дугаартай илгээмж хүрсэн үү?",
            (
                "Бид {sent_on} {titles} нэр, {volumes} ширхэг ном бүхий {number} дугаартай "
                "илгээмжийг явуулсан боловч хүрсэн эсэх талаар мэдээ аваагүй байна.\n\n"
                "Бүгд хүрсэн эсэх, дутсан юм уу гэмтсэн ном байгаа эсэхийг мэдэгдэнэ үү. "
                "Савлагааны жагсаалтад хариу өгөх хаяг бий."
            ),
        ),
    },
    "acknowledgement": {
        "en": (
            "Thank you for your gift of books",
            (
                "Thank you for the books of “{title}”, which reached us on {received_on}. We have "
                "taken {titles} titles in {volumes} volumes into our library.\n\n"
                "They stand where all our readers can use them, with your library’s name as the "
                "donor’s. We look forward to continuing the exchange with you."
            ),
        ),
        "ko": (
            "도서 기증에 감사드립니다",
            (
                "보내 주신 ‘{title}’ 도서를 {received_on}에 잘 받았습니다. 이 가운데 {titles}종 "
                "{volumes}책을 저희 도서관의 장서로 등록하였습니다.\n\n"
                "도서에는 기증 기관의 이름을 밝혀 모든 이용자가 볼 수 있도록 비치하겠습니다. 앞으로도 "
                "교류가 이어지기를 바랍니다."
            ),
        ),
        "zh-Hans": (
            "感谢惠赠图书",
            (
                "贵馆惠赠的“{title}”图书已于{received_on}收到，谨致谢忱。其中{titles}种{volumes}册"
                "已入藏我馆。\n\n"
                "这些图书标明由贵馆捐赠，供全体读者使用。期待今后继续与贵馆交流。"
            ),
        ),
        "zh-Hant": (
            "感謝惠贈圖書",
            (
                "貴館惠贈的「{title}」圖書已於{received_on}收到，謹致謝忱。其中{titles}種{volumes}冊"
                "已入藏我館。\n\n"
                "這些圖書標明由貴館捐贈，供全體讀者使用。期待今後繼續與貴館交流。"
            ),
        ),
        "ja": (
            "図書ご寄贈の御礼",
            (
                "ご寄贈いただいた「{title}」の図書を、{received_on}に拝受いたしました。厚く御礼"
                "申し上げます。このうち{titles}タイトル{volumes}冊を当館の蔵書といたしました。\n\n"
                "寄贈館名を付して、すべての利用者にご覧いただけるようにいたします。今後とも交流が"
                "続くことを願っております。"
            ),
        ),
        "vi": (
            "Thư cảm ơn về việc tặng sách",
            (
                "Chúng tôi chân thành cảm ơn Quý thư viện đã tặng sách “{title}”, mà chúng tôi đã "
                "nhận vào {received_on}. Thư viện chúng tôi đã nhập kho {titles} tên sách, "
                "{volumes} bản.\n\n"
                "Sách được ghi tên thư viện tặng và phục vụ mọi bạn đọc. Chúng tôi mong được tiếp "
                "tục trao đổi với Quý vị."
            ),
        ),
        "mn": (
            "Ном бэлэглэсэнд талархал илэрхийлэх нь",
            (
                "Танай илгээсэн “{title}” номыг бид {received_on} хүлээн авлаа, үүнд талархаж байна. "
                "Үүнээс {titles} нэр, {volumes} ширхэг номыг номын сандаа бүртгэн авсан.\n\n"
                "Эдгээр номыг танай номын сангийн нэрийг тэмдэглэн, бүх уншигчдад үйлчлүүлнэ. "
                "Цаашид хамтын ажиллагаагаа үргэлжлүүлнэ гэдэгт найдаж байна."
            ),
        ),
    },
    "claim": {
        "en": (
            "Books that have not reached us: {title}",
            (
                "We expected the following from you, and miss it, or found it wanting: {title} "
                "({copies} copies). Noted on {opened_on}: {reason}\n\n"
                "If you can send it again, we should be grateful; if you cannot, please tell us, so "
                "that we need not wait."
            ),
        ),
        "ko": (
            "미도착·결락 자료 문의: {title}",
            (
                "귀 기관에서 보내 주신 자료 가운데 다음 자료가 도착하지 않았거나 문제가 있습니다: "
                "{title} ({copies}부). {opened_on} 확인: {reason}\n\n"
                "다시 보내 주실 수 있다면 감사하겠습니다. 어려우시면 기다리지 않도록 알려 주시기 바랍니다."
            ),
        ),
        "zh-Hans": (
            "查询未到或有问题的资料：{title}",
            (
                "贵馆寄来的下列资料未到或有问题：{title}（{copies}份）。{opened_on}记录：{reason}\n\n"
                "如能补寄，我们将十分感谢；如不能补寄，也请告知，以免继续等候。"
            ),
        ),
        "zh-Hant": (
            "查詢未到或有問題的資料：{title}",
            (
                "貴館寄來的下列資料未到或有問題：{title}（{copies}份）。{opened_on}記錄：{reason}\n\n"
                "如能補寄，我們將十分感謝；如不能補寄，也請告知，以免繼續等候。"
            ),
        ),
        "ja": (
            "未着・不備の資料について：{title}",
            (
                "貴館からの次の資料が、未着であるか、または不備がございました：{title}"
                "（{copies}部）。{opened_on}確認：{reason}\n\n"
                "再送いただければ幸いです。難しい場合は、その旨をお知らせください。"
            ),
        ),
        "vi": (
            "Về sách chưa nhận được: {title}",
            (
                "Chúng tôi chưa nhận được, hoặc nhận được nhưng có vấn đề, tài liệu sau của Quý thư "
                "viện: {title} ({copies} bản). Ghi nhận {opened_on}: {reason}\n\n"
                "Nếu có thể gửi lại, chúng tôi xin cảm ơn; nếu không thể, xin cho biết để chúng tôi "
                "không phải chờ."
            ),
        ),
        "mn": (
            "Хүрч ирээгүй ном: {title}",
            (
                "Танай илгээсэн дараах ном бидэнд хүрээгүй, эсвэл дутагдалтай ирсэн: {title} "
                "({copies} хувь). {opened_on} тэмдэглэсэн: {reason}\n\n"
                "Дахин илгээх боломжтой бол бид талархах болно. Боломжгүй бол биднийг хүлээлгэхгүйн "
                "тулд мэдэгдэнэ үү."
            ),
        ),
    },
    "renewal": {
        "en": (
            "Our agreement ends on {ends_on}: {title}",
            (
                "The agreement “{title}” between our libraries ends on {ends_on}. We should like to "
                "renew it.\n\n"
                "Please tell us whether you agree, and what you would like to change. We shall then "
                "send you a text to sign."
            ),
        ),
        "ko": (
            "협약 갱신을 제안드립니다: {title}",
            (
                "양 기관의 협약 ‘{title}’이(가) {ends_on}에 끝납니다. 저희는 협약을 갱신하고자 합니다.\n\n"
                "갱신에 동의하시는지, 바꾸고자 하시는 내용이 있는지 알려 주시기 바랍니다. 이후 서명할 "
                "문안을 보내 드리겠습니다."
            ),
        ),
        "zh-Hans": (
            "关于续签协议：{title}",
            (
                "双方协议“{title}”将于{ends_on}期满，我馆希望续签。\n\n"
                "请告知贵馆是否同意，以及希望修改的内容。随后我们将寄上供签署的文本。"
            ),
        ),
        "zh-Hant": (
            "關於續簽協議：{title}",
            (
                "雙方協議「{title}」將於{ends_on}期滿，我館希望續簽。\n\n"
                "請告知貴館是否同意，以及希望修改的內容。隨後我們將寄上供簽署的文本。"
            ),
        ),
        "ja": (
            "協定更新のお願い：{title}",
            (
                "両館の協定「{title}」は{ends_on}に期間満了となります。当館は更新を希望しております。\n\n"
                "ご同意いただけるか、変更を希望される点があるか、お知らせください。その後、署名用の"
                "文案をお送りいたします。"
            ),
        ),
        "vi": (
            "Đề nghị gia hạn thỏa thuận: {title}",
            (
                "Thỏa thuận “{title}” giữa hai thư viện sẽ hết hạn vào {ends_on}. Chúng tôi mong "
                "muốn được gia hạn.\n\n"
                "Xin Quý vị cho biết có đồng ý không và muốn thay đổi điều gì. Sau đó chúng tôi sẽ "
                "gửi văn bản để ký."
            ),
        ),
        "mn": (
            "Гэрээг сунгах санал: {title}",
            (
                "Манай хоёр номын сангийн “{title}” гэрээний хугацаа {ends_on} дуусна. Бид гэрээг "
                "сунгах хүсэлтэй байна.\n\n"
                "Та бүхэн зөвшөөрөх эсэх, өөрчлөх зүйл байгаа эсэхийг мэдэгдэнэ үү. Дараа нь бид "
                "гарын үсэг зурах эхийг илгээнэ."
            ),
        ),
    },
}
"""Subject and body of each kind of letter in each language, without opening and close."""


REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    "NOT_ARRIVED": {
        "en": "it has not arrived",
        "ko": "도착하지 않음",
        "zh-Hans": "未收到",
        "zh-Hant": "未收到",
        "ja": "未着",
        "vi": "chưa nhận được",
        "mn": "хүрч ирээгүй",
    },
    "SHORT": {
        "en": "copies or volumes are missing",
        "ko": "부수 또는 권수 부족",
        "zh-Hans": "数量不足",
        "zh-Hant": "數量不足",
        "ja": "部数または冊数の不足",
        "vi": "thiếu bản hoặc thiếu tập",
        "mn": "хувь юм уу боть дутуу",
    },
    "DAMAGED": {
        "en": "it is damaged",
        "ko": "파손",
        "zh-Hans": "破损",
        "zh-Hant": "破損",
        "ja": "破損",
        "vi": "bị hư hỏng",
        "mn": "гэмтсэн",
    },
    "WRONG_ITEM": {
        "en": "another item came in its place",
        "ko": "다른 자료가 도착함",
        "zh-Hans": "寄错资料",
        "zh-Hant": "寄錯資料",
        "ja": "別の資料が届いた",
        "vi": "nhận nhầm tài liệu khác",
        "mn": "өөр ном ирсэн",
    },
    "WRONG_EDITION": {
        "en": "another edition came in its place",
        "ko": "다른 판이 도착함",
        "zh-Hans": "版本不符",
        "zh-Hant": "版本不符",
        "ja": "別の版が届いた",
        "vi": "nhận nhầm ấn bản khác",
        "mn": "өөр хэвлэл ирсэн",
    },
}
"""What a claim is about, by its reason."""


def built_in(kind: str, language: str) -> tuple[str, str]:
    """Return our subject and body for a kind of letter in a language.

    >>> built_in("acknowledgement", "ko")[0]
    '도서 기증에 감사드립니다'
    """
    subject, body = WORDING[kind][language]
    opening, close = FRAMES[language]
    return subject, f"{opening}\n\n{body}\n\n{close}"


for _name, _texts in (*WORDING.items(), *REASONS.items()):
    if set(_texts) != set(FRAMES):
        raise AssertionError(f"{_name} is not in every language")
