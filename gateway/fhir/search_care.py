"""Rows of the search table for what is planned, agreed, missing and told.

Read by `fhir.search_table`, which says how a row is written.
"""

SUBJECT = """
    reference patient subject of=clinical to=Patient
    reference subject subject
"""
CARE = {
    "CarePlan": f"""
        token     identifier          identifier          of=clinical
        token     status              status              in=request-status
        token     intent              intent              in=request-intent
        token     category            category
        date      date                period              of=clinical
        {SUBJECT}
        reference encounter           encounter           to=Encounter
        reference care-team           careTeam            to=CareTeam
        reference condition           addresses           to=Condition
        reference goal                goal                to=Goal
        reference activity-reference  activity.reference
        date      activity-date       activity.detail.scheduled[x]
        reference replaces            replaces            to=CarePlan
        reference part-of             partOf              to=CarePlan
        reference based-on            basedOn             to=CarePlan
    """,
    "CareTeam": f"""
        token     identifier   identifier          of=clinical
        token     status       status              in=care-team-status
        token     category     category
        date      date         period              of=clinical
        {SUBJECT}
        reference encounter    encounter           to=Encounter
        reference participant  participant.member
    """,
    "Goal": f"""
        token     identifier          identifier         of=clinical
        token     lifecycle-status    lifecycleStatus    in=goal-status
        token     achievement-status  achievementStatus
        token     category            category
        date      start-date          startDate
        date      target-date         target.dueDate
        {SUBJECT}
    """,
    "Consent": """
        token     identifier    identifier        of=clinical
        token     status        status            in=consent-state-codes
        token     scope         scope
        token     category      category
        date      date          dateTime          of=clinical
        date      period        provision.period
        reference patient       patient           of=clinical to=Patient
        reference organization  organization      to=Organization
    """,
    "Flag": f"""
        token     identifier  identifier
        date      date        period     of=clinical
        {SUBJECT}
        reference encounter   encounter  of=clinical
    """,
    "DetectedIssue": """
        token     identifier  identifier          of=clinical
        token     status      status              of=relais-DetectedIssue in=observation-status
        token     severity    severity            of=relais-DetectedIssue in=detectedissue-severity
        token     code        code
        date      identified  identified[x]
        reference patient     patient             of=clinical to=Patient
        reference implicated  implicated
        reference author      author
    """,
    "Task": """
        token     identifier        identifier
        token     group-identifier  groupIdentifier
        token     status            status            in=task-status
        token     business-status   businessStatus
        token     intent            intent            in=task-intent
        token     priority          priority          in=request-priority
        token     code              code
        token     performer         performerType
        date      authored-on       authoredOn
        date      modified          lastModified
        date      period            executionPeriod
        reference patient           for               to=Patient
        reference subject           for
        reference focus             focus
        reference based-on          basedOn
        reference encounter         encounter         to=Encounter
        reference owner             owner
        reference requester         requester
        reference part-of           partOf            to=Task
    """,
    "Communication": """
        token     identifier  identifier
        token     status      status      in=event-status
        token     category    category
        token     medium      medium
        date      sent        sent
        date      received    received
        reference patient     subject     to=Patient
        reference subject     subject
        reference recipient   recipient
        reference sender      sender
        reference encounter   encounter
        reference based-on    basedOn
        reference part-of     partOf
    """,
    "Subscription": """
        token  status    status            in=subscription-status
        token  type      channel.type      in=subscription-channel-type
        token  payload   channel.payload
        uri    url       channel.endpoint
        string criteria  criteria
        token  contact   contact
    """,
}
