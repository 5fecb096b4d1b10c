"""Compiled shape checks: each kind of fault at its place, and nothing the models refuse."""

from copy import deepcopy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.fhir import shape
from gateway.fhir.fits import fits
from tests.unit.fhir.samples import ALL, CONDITION, PATIENT, encounter, patient


def found(resource):
    return {(issue.code, issue.where) for issue in shape.check(resource)}


@pytest.mark.parametrize("resource", ALL, ids=lambda r: r["resourceType"])
def test_valid_resource_has_no_finding_in_both_judges(resource):
    assert shape.check(resource) == []
    assert shape.full(resource) == []


@pytest.mark.parametrize(
    ("resource", "code", "where"),
    [
        pytest.param(
            {"resourceType": "Ghost"}, "RLS-FHR-001", "Resource.resourceType", id="unknown type"
        ),
        pytest.param({"id": "x"}, "RLS-FHR-001", "Resource.resourceType", id="no type"),
        pytest.param(patient(sex="F"), "RLS-FHR-002", "Patient.sex", id="unknown element"),
        pytest.param(
            patient(name=[{"first": "A"}]),
            "RLS-FHR-002",
            "Patient.name[0].first",
            id="unknown below",
        ),
        pytest.param(patient(name={"family": "A"}), "RLS-FHR-003", "Patient.name", id="no list"),
        pytest.param(patient(gender=["male"]), "RLS-FHR-003", "Patient.gender", id="list"),
        pytest.param(
            patient(active="true"), "RLS-FHR-003", "Patient.active", id="text for boolean"
        ),
        pytest.param(
            patient(multipleBirthInteger="2"),
            "RLS-FHR-003",
            "Patient.multipleBirthInteger",
            id="text for number",
        ),
        pytest.param(
            patient(multipleBirthInteger=True),
            "RLS-FHR-003",
            "Patient.multipleBirthInteger",
            id="boolean for number",
        ),
        pytest.param(encounter(status=None), "RLS-FHR-004", "Encounter.status", id="no status"),
        pytest.param(encounter(**{"class": None}), "RLS-FHR-004", "Encounter.class", id="no class"),
        pytest.param(
            patient(extension=[{"url": "a"}]),
            "RLS-FHR-004",
            "Patient.extension[0].value[x]",
            id="extension without value",
        ),
        pytest.param(
            patient(birthDate="1975-13-05"), "RLS-FHR-005", "Patient.birthDate", id="month 13"
        ),
        pytest.param(
            patient(birthDate="2026-02-29"), "RLS-FHR-005", "Patient.birthDate", id="29 February"
        ),
        pytest.param(patient(id="a_b"), "RLS-FHR-005", "Patient.id", id="underscore in id"),
        pytest.param(patient(id="x" * 65), "RLS-FHR-005", "Patient.id", id="65 characters of id"),
        pytest.param(
            patient(name=[{"family": "A\x00B"}]),
            "RLS-FHR-005",
            "Patient.name[0].family",
            id="control character",
        ),
        pytest.param(patient(gender="F"), "RLS-FHR-006", "Patient.gender", id="code of HL7 v2"),
        pytest.param(
            encounter(status="done"), "RLS-FHR-006", "Encounter.status", id="invented status"
        ),
        pytest.param(
            {**CONDITION, "clinicalStatus": {"text": "actif"}},
            "RLS-FHR-006",
            "Condition.clinicalStatus",
            id="concept without a code of the list",
        ),
        pytest.param(
            encounter(subject={"reference": "Patient/a b"}),
            "RLS-FHR-007",
            "Encounter.subject.reference",
            id="space in a reference",
        ),
        pytest.param(
            encounter(subject={"reference": "Location/l1"}),
            "RLS-FHR-007",
            "Encounter.subject.reference",
            id="type not allowed",
        ),
        pytest.param(
            encounter(subject={"reference": "https://relais.example/fhir/Location/l1"}),
            "RLS-FHR-007",
            "Encounter.subject.reference",
            id="type not allowed in an absolute URL",
        ),
        pytest.param(patient(name=[]), "RLS-FHR-008", "Patient.name", id="empty list"),
        pytest.param(patient(name=[{}]), "RLS-FHR-008", "Patient.name[0]", id="empty object"),
        pytest.param(
            patient(name=[{"family": " "}]), "RLS-FHR-008", "Patient.name[0].family", id="blank"
        ),
        pytest.param({"resourceType": "Patient"}, "RLS-FHR-008", "Patient", id="nothing inside"),
        pytest.param(
            patient(deceasedBoolean=True), "RLS-FHR-009", "Patient.deceased[x]", id="two forms"
        ),
        pytest.param(
            patient(extension=[{"url": "a", "valueCode": "b", "extension": PATIENT["extension"]}]),
            "RLS-FHR-009",
            "Patient.extension[0].value[x]",
            id="extension with value and extensions",
        ),
    ],
)
def test_fault_is_found_at_its_place(resource, code, where):
    assert found(resource) == {(code, where)}


@pytest.mark.field("FL-203")
def test_time_without_zone_is_refused():
    resource = encounter(period={"start": "2026-09-12T10:00:00"})

    assert found(resource) == {("RLS-FHR-005", "Encounter.period.start")}


@pytest.mark.field("FL-210")
def test_instant_made_from_a_date_is_refused():
    resource = {"resourceType": "AuditEvent", "recorded": "2026-10-07"}

    assert ("RLS-FHR-005", "AuditEvent.recorded") in found(resource)


@pytest.mark.field("FL-213")
@pytest.mark.parametrize("id_", ["SRV:12:LIT_4", "a" * 65, ""], ids=["local", "long", "empty"])
def test_id_built_from_a_local_number_is_refused(id_):
    assert {where for _, where in found(patient(id=id_))} == {"Patient.id"}


@pytest.mark.parametrize(
    "value",
    ["2026", "2026-11", "2026-11-21", "2026-11-21T10:00:00Z", "2024-02-29T23:59:59.1-14:00"],
)
def test_every_precision_of_a_date_time_is_accepted(value):
    resource = encounter(period={"start": value})

    assert shape.check(resource) == shape.full(resource) == []


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/p1",
        "Patient/p1/_history/3",
        "https://relais.example/fhir/Patient/p1",
        "https://example.org/Dossier/p1",
        "urn:uuid:0b6f8a52-91f4-4a4e-8b39-d6a7a4b1c7aa",
        "#p",
    ],
)
def test_each_form_of_a_reference_is_accepted(reference):
    assert shape.check(encounter(subject={"reference": reference})) == []


def test_missing_text_with_an_extension_instead_is_accepted():
    resource = patient(birthDate=None, _birthDate={"extension": PATIENT["extension"]})

    assert shape.check(resource) == shape.full(resource) == []


def test_null_in_a_list_needs_an_extension_at_the_same_index():
    given = [None, "LOU"]
    companion = [{"extension": [{"url": "a", "valueCode": "b"}]}, None]

    assert shape.check(patient(name=[{"given": given, "_given": companion}])) == []
    assert found(patient(name=[{"given": given}])) == {("RLS-FHR-003", "Patient.name[0].given[0]")}


def test_endless_nesting_is_a_finding_and_no_crash():
    inner = {"url": "a", "valueCode": "b"}
    for _ in range(5000):
        inner = {"url": "a", "extension": [inner]}

    assert found(patient(extension=[inner])) == {("RLS-FHR-010", "Patient")}


def test_findings_never_quote_a_value():
    resource = patient(name=[{"family": "SENTINELLE\x00"}], gender="SENTINELLE")

    texts = [str(issue) for issue in shape.check(resource) + shape.full(resource)]

    assert len(texts) >= 2
    assert [text for text in texts if "SENTINELLE" in text] == []


def test_xml_of_a_resource():
    text = shape.to_xml(patient())

    assert 'xmlns="http://hl7.org/fhir"' in text
    assert '<birthDate value="1960-05"' in text


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        [
            "2026-02-30",
            "2026-11-21T10:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T10:00:00.1234567891Z",
            "0000",
            "00:00:60",
            "http://",
            "http://[",
            "/a",
            "mailto:",
            "urn:oid:1.2",
            "AA==",
            "Patient/1",
            "male",
            " male",
            "a  b",
        ]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["value", "code", "url", "extension", "reference", "text", "_value"]),
            inner,
            max_size=2,
        ),
    ),
    max_leaves=4,
)
NAMES = st.sampled_from(
    ["id", "_id", "_gender", "_given", "extension", "valueUrl", "valueUuid", "valueTime", "text",
     "valueBase64Binary", "valueDecimal", "valueQuantity", "deceasedBoolean", "implicitRules",
     "language", "contained", "status", "_status", "modifierExtension", "photo", "relatesTo",
     "resourceType", "onsetAge", "abatementString", "recordedDate", "verificationStatus"]
)  # fmt: skip


def places(value, here=()):
    """List every place below a value."""
    items = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    found = [here]
    for key, item in items:
        found += places(item, (*here, key))
    return found


def mutate(resource, data):
    """Change one place: replace, remove, add, wrap or repeat."""
    place = data.draw(st.sampled_from(places(resource)[1:]))
    *above, last = place
    node = resource
    for key in above:
        node = node[key]
    action = data.draw(st.sampled_from(["replace", "remove", "add", "wrap", "repeat"]))
    if action == "replace":
        node[last] = data.draw(VALUES)
    elif action == "remove":
        del node[last]
    elif action == "wrap":
        node[last] = [node[last]]
    elif isinstance(node, list):
        node.append(deepcopy(node[last]) if action == "repeat" else data.draw(VALUES))
    else:
        node[data.draw(NAMES)] = data.draw(VALUES)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_check_accepts_the_models_accept_too(data):
    resource = deepcopy(data.draw(st.sampled_from(ALL)))
    for _ in range(data.draw(st.integers(1, 2))):
        mutate(resource, data)

    findings = shape.check(resource)

    assert findings or shape.full(resource) == []


@pytest.mark.parametrize("resource", ALL, ids=lambda r: r["resourceType"])
def test_quick_yes_is_given_to_usual_resources(resource):
    assert fits(resource)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_quick_yes_is_never_given_to_what_the_careful_judge_refuses(data):
    resource = deepcopy(data.draw(st.sampled_from(ALL)))
    for _ in range(data.draw(st.integers(1, 2))):
        mutate(resource, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shape, "fits", lambda _: False)
        findings = shape.check(resource)

    assert not (findings and fits(resource))


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="list"),
        pytest.param({"resourceType": ["Patient"], "id": "p"}, id="type is a list"),
        pytest.param(patient(gender={"a": 1}), id="object for code"),
        pytest.param(patient(birthDate=1975), id="number for date"),
        pytest.param(patient(multipleBirthInteger=True), id="boolean for number"),
        pytest.param(patient(active=1), id="number for boolean"),
        pytest.param(patient(managingOrganization={"reference": 7}), id="number for reference"),
    ],
)
def test_quick_yes_is_not_given_to_values_of_another_kind(resource):
    assert not fits(resource)


def test_texts_beyond_what_is_remembered_are_judged_all_the_same():
    fine = patient(identifier=[{"system": "urn:" + "a" * 300, "value": "1"}])
    wrong = patient(identifier=[{"system": "urn: " + "a" * 300, "value": "1"}])

    assert [fits(fine), fits(wrong)] * 2 == [True, False] * 2


TEXTS = {
    "Base64Binary": r"[A-Za-z0-9+/=\n ]{0,12}",
    "Canonical": r"[a-z:/|#.\x00-\x21é]{0,12}",
    "Code": r"[a-z \t.é\x1f\u00a0]{0,6}",
    "Date": r"[0-2][0-9]{3}(-[0-1][0-9](-[0-3][0-9])?)?",
    "DateTime": r"[0-2][0-9]{3}-[0-1][0-9]-[0-3][0-9](T[0-2][0-9]:[0-6]0:[0-6][0-9](\.[0-9]{1,10})?"
    r"(Z|[+-][0-1][0-9]:[0-6]0)?)?",
    "Id": r"[A-Za-z0-9\-._]{0,66}",
    "Instant": r"[0-2][0-9]{3}-0[0-9]-[0-3][0-9]T[0-2][0-9]:00:00(\.[0-9]{1,10})?(Z|\+0[0-9]:00)?",
    "Markdown": r"[a-z \n\x00\u2028]{0,5}",
    "Oid": r"urn:oid:[0-3](\.[0-9]{1,3}){0,4}",
    "String": r"[a-z \n\x00\u2028\u00a0]{0,5}",
    "Time": r"[0-2][0-9]:[0-6]0:[0-6]0(\.[0-9]{1,10})?",
    "Uri": r"[a-z:/|#.\x00-\x21é]{0,12}",
    "Url": r"(https?|ftp|mailto|tel|urn|mllp|[a-z])?(:|://)?[a-zA-Z0-9:/?#\[\]@.%_ é-]{0,12}",
    "Uuid": r"(urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89abc][0-9a-f]{3}"
    r"-[0-9a-f]{12}",
}


@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("kind", sorted(TEXTS))
@given(data=st.data())
def test_text_of_a_primitive_accepted_by_check_is_accepted_by_the_models(kind, data):
    text = data.draw(st.from_regex(TEXTS[kind], fullmatch=True))
    resource = patient(extension=[{"url": "a", f"value{kind}": text}])

    findings = shape.check(resource)

    assert findings or shape.full(resource) == []


@pytest.mark.parametrize("kind", ["Integer", "PositiveInt", "UnsignedInt", "Decimal"])
@given(number=st.one_of(st.integers(-(2**32), 2**32), st.floats(), st.booleans()))
def test_number_accepted_by_check_is_accepted_by_the_models(kind, number):
    resource = patient(extension=[{"url": "a", f"value{kind}": number}])

    findings = shape.check(resource)

    assert findings or shape.full(resource) == []
