"""The words of an explanation, in French and English; no sentence names a person."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from gateway.core.events import family
from gateway.pathway.calendar import local

LANGUAGES = ("fr", "en")

#: Event -> (French, English); an event without words is shown as it is.
_EVENTS: Mapping[str, tuple[str, str]] = {
    "ENC.PREADMIT": ("pré-admission", "pre-admission"),
    "ENC.ADMIT": ("admission", "admission"),
    "ENC.OUTPT": ("passage externe", "outpatient visit"),
    "ENC.ED_IN": ("passage aux urgences", "emergency visit"),
    "ENC.MOVE": ("mutation", "transfer inside"),
    "ENC.LEAVE_OUT": ("départ en permission", "start of leave"),
    "ENC.LEAVE_BACK": ("retour de permission", "return from leave"),
    "ENC.DISCH_PLANNED": ("sortie prévue", "planned discharge"),
    "ENC.DISCHARGE": ("sortie", "discharge"),
    "PAT.DEATH": ("décès", "death"),
    "PAT.INS_OK": ("identité qualifiée (INS)", "qualified identity (INS)"),
    "PAT.GP_KNOWN": ("médecin traitant déclaré", "family doctor declared"),
    "PAT.DMP_OPPOSED": ("opposition au DMP", "opposition to the shared record"),
    "DOC.LDL_SES": ("lettre de liaison de sortie", "discharge letter"),
    "DOC.LDL_EES": ("lettre de liaison d’entrée", "admission letter"),
    "DOC.CONSULT": ("compte rendu de consultation", "consultation report"),
    "DOC.PPS": ("programme personnalisé de soins", "care programme"),
    "DOC.FRCP": ("fiche de RCP", "meeting record"),
    "LDL.PROMISE": ("suite annoncée par la lettre", "follow-up promised by the letter"),
    "PPS.STEP": ("étape du programme de soins", "step of the care programme"),
    "SND.MSS_OK": ("remise par MSSanté", "delivery by MSSanté"),
    "SND.MSS_KO": ("échec de remise MSSanté", "MSSanté delivery failure"),
    "SND.DMP_OK": ("dépôt au DMP", "deposit in the shared record"),
    "SND.HELD_NO_INS": ("document retenu sans INS qualifiée", "document held without INS"),
    "REQ.NUMBERED": ("demande numérotée", "numbered request"),
    "REQ.dac.SENT": ("demande au DAC", "request to the coordination service"),
    "SND.DMP_KO": ("refus du DMP", "refusal by the shared record"),
    "SND.MSS_READ": ("lecture confirmée", "reading confirmed"),
    "SND.WITHDRAWAL_DUE": ("document à retirer", "document to be withdrawn"),
    "SND.WITHDRAWN": ("document retiré", "document withdrawn"),
    "APPT.BOOKED": ("rendez-vous pris", "appointment booked"),
    "APPT.MOVED": ("rendez-vous déplacé", "appointment moved"),
    "APPT.NOSHOW": ("rendez-vous non honoré", "missed appointment"),
    "APPT.DONE": ("rendez-vous honoré", "appointment kept"),
    "HOME.VISIT": ("visite à domicile", "home visit"),
    "CALL.DONE": ("appel passé", "call made"),
    "TASK.ACK": ("demande prise en charge", "request acknowledged"),
    "TASK.DONE": ("tâche faite", "task done"),
    "RX.DISPENSED": ("délivrance", "dispensing"),
    "PAT.MERGE": ("fusion d’identités", "merge of records"),
    "PAT.INS_KO": ("identité non qualifiée", "identity not qualified"),
    "PPS.STEP_DROPPED": ("étape retirée du programme", "step dropped from the programme"),
    "DOC.ACP": ("compte rendu d’anatomopathologie", "pathology report"),
    "DOC.BIO": ("compte rendu de biologie", "laboratory report"),
    "DOC.IMG": ("compte rendu d’imagerie", "imaging report"),
    "DOC.CRO": ("compte rendu opératoire", "operation report"),
    "DOC.CRH": ("compte rendu d’hospitalisation", "hospital report"),
    "DOC.ADRESSAGE": ("lettre d’adressage", "referral letter"),
    "DOC.CONCIL": ("conciliation médicamenteuse", "medication reconciliation"),
    "FEED.SILENT": ("silence du flux", "silence of the feed"),
    "FEED.ALIVE": ("retour du flux", "return of the feed"),
    "FEED.SKEW": ("décalage d’horloge", "clock skew"),
    "FEED.REJECTS": ("messages rejetés", "rejected messages"),
    "FEED.DRAINED": ("quarantaine vidée", "quarantine emptied"),
    "DOC.*": ("document", "document"),
    "DOCV.*": ("version d’un document", "version of a document"),
}
#: `REQ.<kind>.<step>`: the step, then the kind.
_STEPS: Mapping[str, tuple[str, str]] = {
    "SENT": ("demande", "request"),
    "ACCEPTED": ("demande acceptée", "request accepted"),
    "REFUSED": ("demande refusée", "request refused"),
    "WITHDRAWN": ("demande retirée", "request withdrawn"),
}
_KINDS: Mapping[str, tuple[str, str]] = {
    "smr": ("SMR", "rehabilitation"),
    "had": ("HAD", "hospital at home"),
    "dac": ("DAC", "coordination service"),
    "palliative": ("soins palliatifs", "palliative care"),
    "rcp": ("RCP", "tumour board"),
    "psy": ("psychologie", "psychology"),
    "diet": ("diététique", "diet"),
    "social": ("service social", "social work"),
    "apa": ("activité physique adaptée", "physical activity"),
    "pain": ("douleur", "pain"),
    "fertility": ("fertilité", "fertility"),
    "oncogeriatrics": ("oncogériatrie", "oncogeriatrics"),
}
_DOCUMENT = ("document", "document")

_UNITS: Mapping[str, tuple[str, str]] = {
    "h": ("heures", "hours"),
    "bh": ("heures ouvrées", "business hours"),
    "d": ("jours", "days"),
    "bd": ("jours ouvrés", "working days"),
    "jo": ("jours ouvrables", "days, Sundays and holidays excepted"),
}
_LEGAL: Mapping[str, tuple[str, str]] = {
    "law": ("Fondement : {ref} (texte légal).", "Basis: {ref} (law)."),
    "guideline": ("Fondement : {ref} (recommandation).", "Basis: {ref} (guideline)."),
    "default": (
        "Aucun texte ne fixe ce délai : valeur par défaut, réglable.",
        "No text sets this time: a default that can be changed.",
    ),
}
FLAGS: Mapping[str, tuple[str, str]] = {
    "tz-ambiguous": (
        "L’heure existe deux fois cette nuit-là ; la première est retenue.",
        "The hour exists twice in that night; the first one counts.",
    ),
    "imprecise": (
        "L’heure n’est pas connue assez précisément ; le doute profite au service.",
        "The time is not known exactly; the doubt counts in favour of the ward.",
    ),
    "future-clamped": (
        "La date annoncée était dans le futur ; celle de réception est retenue.",
        "The date sent lay in the future; that of receipt counts.",
    ),
    "future-event": (
        "La sortie a été annoncée avant d’avoir lieu.",
        "The discharge was announced before it happened.",
    ),
    "dest-conflict": (
        "Les sources ne s’accordent pas sur la destination.",
        "The sources disagree about the destination.",
    ),
    "anchor-assumed": (
        "La date de départ du délai manque ; celle de l’événement la remplace.",
        "The date to count from is missing; that of the event takes its place.",
    ),
    "rerouted": (
        "L’arrivée a eu lieu ailleurs que prévu.",
        "The patient arrived elsewhere than announced.",
    ),
    "feed-down": (
        "Flux interrompu : vérifier par téléphone.",
        "Feed down: please check by telephone.",
    ),
}
#: Sentences by name.
SENTENCES: Mapping[str, tuple[str, str]] = {
    "silent": (
        "Flux {feed}, silencieux depuis le {at}.",
        "Feed {feed}, silent since {at}.",
    ),
    "behind": (
        "Flux {feed}, horloge en retard de {by}, constatée le {at}.",
        "Feed {feed}, clock behind by {by}, found on {at}.",
    ),
    "ahead": (
        "Flux {feed}, horloge en avance de {by}, constatée le {at}.",
        "Feed {feed}, clock ahead by {by}, found on {at}.",
    ),
    "rejecting": (
        "Flux {feed}, entrées refusées en une heure : {count}, constaté le {at}.",
        "Feed {feed}, inputs refused within an hour: {count}, found on {at}.",
    ),
    "waiting": (
        "Attentes non confirmées tant qu’il se tait : {count}.",
        "Expectations unconfirmed while it is silent: {count}.",
    ),
    "rule": ("Règle {id}, version {version} : {name}.", "Rule {id}, version {version}: {name}."),
    "trigger": (
        "Départ : {event} du {at}, reçu le {learned}.",
        "Start: {event} of {at}, received {learned}.",
    ),
    "corrected": (
        "Heure de « {event} » corrigée de {offset} : annoncée le {told}, approuvé par {author}"
        " ({reason}).",
        "Time of “{event}” corrected by {offset}: told as {told}, approved by {author} ({reason}).",
    ),
    "place": ("Établissement {estab}.", "Establishment {estab}."),
    "awaited": ("Attendu : {events}.", "Awaited: {events}."),
    "forbidden": ("Ne doit pas survenir : {events}.", "Must not happen: {events}."),
    "day": (
        "Délai : la fin de la journée du {anchor}, soit le {deadline}.",
        "Deadline: the end of the day of {anchor}, that is {deadline}.",
    ),
    "units": (
        "Délai : {n} {unit} à compter du {anchor}, soit le {deadline}.",
        "Deadline: {n} {unit} from {anchor}, that is {deadline}.",
    ),
    "at": ("Échéance : {deadline}.", "Due: {deadline}."),
    "skipped": ("Jours non comptés : {days}.", "Days not counted: {days}."),
    "open": (
        "Délai suspendu tant que dure la pause.",
        "The deadline stands still while the pause lasts.",
    ),
    "grace": (
        "Tolérance de transmission : {grace} ; signalé au plus tôt le {theta}.",
        "Allowance for transmission: {grace}; told at {theta} at the earliest.",
    ),
    "settle": (
        "Appris après coup : signalé au plus tôt {settle} après réception, le {theta}.",
        "Learned afterwards: told {settle} after receipt at the earliest, at {theta}.",
    ),
    "pending": ("Rien n’est en retard à ce jour.", "Nothing is late so far."),
    "overdue": (
        "Rien de tel n’a été reçu ; rupture ouverte le {opened}.",
        "Nothing of the kind was received; gap opened {opened}.",
    ),
    "found": (
        "C’est arrivé : {event} du {at} ; rupture ouverte le {opened}.",
        "It happened: {event} of {at}; gap opened {opened}.",
    ),
    "unconfirmed": (
        "Rien de tel n’a été reçu, mais un flux qui l’apporterait s’est tu : non confirmé.",
        "Nothing of the kind was received, but a feed that would bring it is silent: unconfirmed.",
    ),
    "met": (
        "Satisfait dans les délais : {event} du {at}, reçu le {learned}.",
        "Met in time: {event} of {at}, received {learned}.",
    ),
    "met_late": (
        "Satisfait avec {late} de retard : {event} du {at}, reçu le {learned}.",
        "Met {late} late: {event} of {at}, received {learned}.",
    ),
    "information": (
        "L’information a mis {delay} à parvenir : le flux était en retard, pas le service.",
        "The information took {delay} to arrive: the feed was late, not the ward.",
    ),
    "never": ("Rien de tel n’est arrivé : satisfait.", "Nothing of the kind happened: met."),
    "cancelled": (
        "Sans objet avant l’échéance : {event} du {at}.",
        "No longer needed before the deadline: {event} of {at}.",
    ),
    "moot": (
        "Sans objet depuis, après l’échéance : {event} du {at}.",
        "No longer needed since, after the deadline: {event} of {at}.",
    ),
    "void": (
        "L’événement de départ a été annulé ou corrigé : l’attente n’existe plus.",
        "The starting event was cancelled or corrected: nothing is expected any more.",
    ),
    "candidates": (
        "Documents qui conviennent aussi bien à un autre séjour : {count}.",
        "Documents that fit another stay as well: {count}.",
    ),
    "evidence": ("À vérifier : {shown}.", "Evidence: {shown}."),
    "closes": ("Ce qui la fermerait : {events}.", "What would close it: {events}."),
}


def say(sentence: str, language: int, **values: object) -> str:
    """Return a sentence; `language` is the place in LANGUAGES."""
    return SENTENCES[sentence][language].format(**values)


def legal(kind: str, ref: str, language: int) -> str:
    """Return where a deadline comes from."""
    return _LEGAL[kind][language].format(ref=ref)


def event_name(event: str, language: int) -> str:
    """Return the words of an event."""
    known = _EVENTS.get(event)
    if known is None and family(event) == "REQ":
        _req, kind, step = event.split(".")
        return f"{_STEPS[step][language]} ({_KINDS.get(kind, (kind, kind))[language]})"
    if known is None and family(event) in ("DOC", "DOCV"):
        return f"{_DOCUMENT[language]} {event.partition('.')[2]}"
    return known[language] if known else event


def unit_name(unit: str, language: int) -> str:
    """Return the words of a unit."""
    return _UNITS[unit][language]


def clock(instant: datetime, language: int) -> str:
    """Return an instant as people in France read it."""
    form = "%d/%m/%Y à %H:%M" if language == 0 else "%Y-%m-%d %H:%M"
    return local(instant).strftime(form)


def length(span: timedelta, language: int) -> str:
    """Return a duration in its two largest parts; less than a minute is a minute."""
    minutes = max(1, int(span.total_seconds()) // 60)
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    day = ("j", "d")[language]
    parts = [(days, day), (hours, "h"), (minutes, "min")]
    return " ".join([f"{count} {unit}" for count, unit in parts if count][:2])
