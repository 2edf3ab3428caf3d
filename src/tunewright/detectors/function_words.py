"""The small words that hold a language together, by language: the fewest facts that tell languages apart.

What two languages share does not count between the two (`telling`).
"""

from __future__ import annotations

_WORDS = {
    "English": (
        "the of and to in a is me up no so that for you it with was this are have be not they from but what my all "
        "can your we there do his her their would will which about if out just like has when who how get been i he "
        "she its our were more had did some than then them these could into because only very also don't it's i'm an "
        "as at by or am any own too each both few most other such after before between during under over again once "
        "here why where while does doing done should may might must shall many much now still even never always "
        "please want need one two since until without against on us him go got"
    ),
    "German": (
        "der das und ist nicht ich wir ihr mit von auf für ein eine einen einem einer dem des sich auch wird sind "
        "aber noch nach bei aus wenn wie mein meine oder über kann haben habe zum zur nur schon sehr durch vom diese "
        "dieser kein keine mehr wurde bitte heute immer unser unsere weil doch ihre seine dass ob war man uns hatte "
        "als sie es am an um bis zu so dann da hier dort jetzt wieder viel alle alles ganz jeder jede ihm ihn ihnen "
        "euch dir dich mich sein seiner seinen waren wäre würde könnte muss müssen soll sollte will gibt geht gut "
        "zwei warum wegen während ohne gegen zwischen seit unter ins vor beim damit sondern denn die in hat"
    ),
    "French": (
        "le les des et est une du que qui dans pas je il elle nous vous ce cette ces avec sur au aux mais ou où par "
        "plus sont ont être avoir fait leur leurs mes ses mon votre notre tout tous très aussi bien comme si quand "
        "même c'est j'ai n'est qu'il d'un d'une l'on suis êtes était sans peut la de se trop chez sous vers encore "
        "donc alors peu beaucoup moins jamais toujours ici là nos vos cela ça dont lui eux ai avons avez faire dit "
        "peux veux va vais étaient serait avant après depuis pendant entre contre rien personne quelque chaque autre "
        "autres pourquoi comment merci bonjour oui non puis car n'a n'ai s'il qu'elle qu'on en un on tu te me ta sa "
        "son à y m'a t'es a"
    ),
    "Spanish": (
        "el los las y es que en una por con del para se lo su sus como pero más muy esta este esto está están hay yo "
        "mi tu nos al cuando porque si también son ser fue tiene todo todos nada qué cómo donde sobre entre hasta "
        "desde ya sin muchas muchos gracias ella ellos nosotros la de me mis otra otro otros nuestro nuestra le les "
        "te tus contra mientras aunque antes después ahora aquí allí así poco menos mejor nunca siempre nadie alguien "
        "algo cada dos tres había han he hemos era eran sido estar estoy estamos puede puedo pueden hacer hace dice "
        "decir quiero usted pues no un a o"
    ),
    "Italian": (
        "il gli le di che è e un una per non con del della dei delle nel nella al alla sono ma come più questo questa "
        "anche si lo ha ho mi ti ci io lui lei noi suo sua mio mia tutto tutti molto quando perché dove essere stato "
        "fatto dal dalla sul sulla hanno grazie ancora la da in uno tra fra su agli degli alle dalle questi queste "
        "quello quella loro nostro nostra era erano stata aveva abbiamo siamo sei può posso deve fare fa detto poi "
        "già mai sempre qui così tanto poco meno meglio troppo ogni altro altra altri cosa prima dopo senza però "
        "quindi oppure se mentre chi cui ne a o no me"
    ),
    "Portuguese": (
        "o os as e é de que do da dos das em no na nos nas um uma para com não por mais mas ao aos se seu sua muito "
        "também já eu ele ela você isso esta este foi são tem ser quando como porque pelo pela meu minha tudo nós "
        "está estou até sem obrigado a me lhe à às eles elas meus nosso nossa teu esse essa aquele era eram fui foram "
        "ter tinha tenho temos têm há vai vou vamos pode posso fazer faz disse quer quero antes depois agora aqui ali "
        "assim menos melhor nunca sempre nada ninguém alguém algo cada outro outra dois três sobre entre desde contra "
        "mesmo então onde quem qual obrigada"
    ),
    "Dutch": (
        "de het een en van ik je dat niet met zijn op te er maar om ook aan voor bij nog wat naar uit dan heeft "
        "hebben deze dit geen wel mijn ons onze kan heb wordt worden over zo als haar hij zij waar wie moet veel "
        "omdat jullie graag bedankt die is was in of na uw hun ze we kunnen kon zal zullen zou zouden wil willen mag "
        "moeten had waren ben bent gaat gaan doen komt komen alleen altijd nooit nu al toch dus want hoe wanneer "
        "waarom iets niets iemand niemand alle alles andere eerste twee drie meer minder beter tot tussen tegen "
        "zonder sinds onder jouw mij hem me"
    ),
    "Swedish": (
        "och att det som en på är av för med den till inte har jag om ett men var sig så kan vi han hon ska från "
        "eller när mycket också efter mig dig min din där här varit bara många alla skulle blir finns vad hur tack ni "
        "de dem denna detta dessa någon något några ingen inget allt mer mest mindre bättre mot mellan utan sedan "
        "innan medan eftersom därför varför vem vilken kunde vill ville måste få får fick gör gjorde göra går gick "
        "komma kommer säger bli blev hade haft vara idag nu aldrig alltid redan ännu i alltså"
    ),
    "Danish or Norwegian": (
        "og at det som en på er af av for med den til ikke har jeg om et men var sig seg så kan vi han hun skal fra "
        "eller når meget også efter etter mig meg dig deg min din der her været vært bare mange alle ville bliver "
        "blir hvad hva hvor tak takk i de dem denne dette disse noen noe nogen noget ingen alt mer mere mest mindre "
        "bedre mot mod mellom mellem uten uden siden før mens fordi derfor hvorfor hvem kunne skulle må få får fik "
        "fikk gjør gør går gikk kommer kom siger sier ble blev hadde havde haft aldri aldrig alltid altid allerede nå "
        "nu"
    ),
    "Polish": (
        "i w na z się nie jest do to że jak ale co za od po przez dla czy tak ja my on ona był była było są być tylko "
        "już ten ta tego tej jego jej ich oraz bardzo może mnie mi ciebie kiedy gdzie który która które dziękuję "
        "proszę mam masz ma mamy mają mieć mogę można chcę wiem jeśli nigdy zawsze nic nikt ktoś coś każdy wszystko "
        "inny inne przed bez pod nad między przy jednak więc też również potem teraz tutaj tam a o nam nas ci go mu "
        "wam sobie tym tych"
    ),
    "Turkish": (
        "ve bir bu da de için ile çok ne ama daha var yok ben sen biz siz o gibi kadar en mi mı mu değil olarak olan "
        "sonra her şey bana sana beni seni nasıl neden bunu şu ya hiç iyi teşekkürler ise ki benim senin onun bizim "
        "sizin onlar şimdi önce hep hiçbir kim nerede zaman gün olur oldu olacak veya fakat ancak çünkü eğer böyle "
        "öyle tüm başka kendi"
    ),
    "Indonesian or Malay": (
        "yang dan di ini itu dengan untuk tidak dari dalam akan pada juga saya ke karena ada kita kami bisa oleh "
        "sudah atau dia mereka kamu anda apa lebih telah seperti hanya banyak lagi aku tapi jangan belum terima kasih "
        "adalah dapat harus masih setelah sebelum ketika saat sampai tanpa antara kepada bagi lain semua setiap "
        "sangat selalu pernah mau ingin sini sana bukan punya gak nggak"
    ),
}
# Short words that a text of another language holds by accident: its own words, names, slang, song titles.
_WEAK = (
    "a ada ai al all also alt am an are as at be ben bent bir can chi ci con da dan dans das de del dem den des "
    "di dia die din do dos dus e el em en er era es fa fik gaat go had han hat he hep her hun i in ini is itu "
    "kami ki kita kom la lain las le lo los ma mag man mau me men mer mi min mis mod mot mu my na nad nam ne no "
    "non nos nu o of om on one op or os pada par pod sa saat sana se sei si sin so son su ta te ter till tot tra "
    "tu um un under vai van var w war was we will y z"
)
WORDS = {name: frozenset(words.split()) for name, words in _WORDS.items()}
WEAK = frozenset(_WEAK.split())


def telling(language: str, usual: str) -> dict[str, float]:
    """Words of a language that speak for it in a table that is mostly in another, and how loud: 1, or 1/2 if weak.

    >>> told = telling("German", "English")
    >>> told["nicht"], told["die"], "in" in told
    (1.0, 0.5, False)
    """
    return {word: 0.5 if word in WEAK else 1.0 for word in sorted(WORDS[language] - WORDS[usual])}
