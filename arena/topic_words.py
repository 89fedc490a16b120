"""Words that say nothing of what a text is about, in the languages that most prompts are in."""

from typing import Final

STOP_WORDS: Final = frozenset(
    """
    a about above after again all also am an and any are as at be because been before being below between both but by
    can could did do does doing don down each few for from further get give had has have having he help her here hers
    him his how i if in into is it its just let like ll make me more most my need no nor not now of off on once only
    or other our out over own please re s same she should show so some such t tell than that the their them then there
    these they this those through to too under until up us ve very want was way we were what when where which while
    who whom why will with would write you your
    aber alle als am an auch auf aus bei bin bis bitte da das dass dem den der des die dies diese doch ein eine einem
    einen einer es für hat habe ich ihr im ist ja kann kein mein mich mir mit nach nicht noch nur ob oder schreibe
    sein sich sie sind so und uns unter vom von vor war was wenn wer wie wir wird wo zu zum zur über
    au aux avec ce ces cette comme dans de des du elle en est et il ils je la le les leur lui ma mais mes moi mon ne
    nous on ou où par pas pour que quel quelle qui sa se ses son sont sur ta te tes toi ton tu un une vos votre vous
    al como con cual cuando del el ella ellos en entre era es esta este esto fue ha hay la las lo los más me mi muy
    ni no nos o para pero por porque qué se ser si sin sobre son su sus también un una uno unos y ya yo
    com da das do dos e ele em eu foi isso mais mas na nas não nos num numa os para pela pelo por qual quando que são
    sem seu sua também tem um uma você
    """.split()  # noqa: SIM905
)
