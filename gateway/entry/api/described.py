"""The searches of each resource type in the OpenAPI description, made from the search table.

What the table holds is what `fhir.search_query` takes and what the CapabilityStatement lists, so
the three cannot differ.
"""

from typing import Any

from gateway.fhir.search_query import accepted_by
from gateway.fhir.search_results import SUMMARIES, TOTALS
from gateway.fhir.search_table import PARAMETERS, Parameter, parameters_of

Description = dict[str, Any]

_VALUES: dict[str, Description] = {
    "token": {"type": "string", "example": "system|code"},
    "reference": {"type": "string", "example": "Patient/1"},
    "date": {"type": "string", "pattern": "^(eq|ne|gt|lt|ge|le|sa|eb|ap)?[0-9]{4}.*$"},
    "string": {"type": "string"},
    "uri": {"type": "string"},
    "quantity": {"type": "string", "example": "5.4|http://unitsofmeasure.org|d"},
}
_RESULTS: dict[str, tuple[Description, str]] = {
    "_count": ({"type": "integer", "minimum": 0}, "Matches on a page, 200 at most."),
    "_sort": ({"type": "string"}, "Parameters separated by commas, each after - or nothing."),
    "_total": ({"type": "string", "enum": list(TOTALS)}, "Whether the matches are counted."),
    "_include": ({"type": "string"}, "Type:parameter; also as _include:iterate."),
    "_revinclude": ({"type": "string"}, "Type:parameter; also as _revinclude:iterate."),
    "_elements": ({"type": "string"}, "The only elements wanted, separated by commas."),
    "_summary": ({"type": "string", "enum": list(SUMMARIES)}, "A part of each resource."),
    "_format": ({"type": "string", "enum": ["json", "xml"]}, "Wins over the Accept header."),
    "_pretty": ({"type": "boolean"}, "Laid out for people."),
}
_ANSWERS: Description = {
    "200": {"description": "A Bundle of type searchset."},
    "400": {"description": "An OperationOutcome, one issue for each fault."},
    "410": {"description": "The page has expired."},
}


def with_types(description: Description) -> Description:
    """Return a description in which each resource type has its own search address."""
    paths = {path: _with_names(said) for path, said in description["paths"].items()}
    for type_ in sorted(PARAMETERS):
        paths[f"/fhir/{type_}"] = {"get": _search(type_)}
    return {**description, "paths": paths}


def _with_names(path: Description) -> Description:
    """Return the operations of a path, a variable resource type with the names it may have."""
    return {
        method: {
            **said,
            "parameters": [
                {**one, "schema": {"type": "string", "enum": sorted(PARAMETERS)}}
                if (one["name"], one["in"]) == ("type", "path")
                else one
                for one in said["parameters"]
            ],
        }
        if "parameters" in said
        else said
        for method, said in path.items()
    }


def _search(type_: str) -> Description:
    parameters = [_parameter(parameter) for parameter in parameters_of(type_).values()]
    results = [
        {"name": name, "in": "query", "required": False, "description": words, "schema": schema}
        for name, (schema, words) in _RESULTS.items()
    ]
    return {
        "tags": [f"FHIR {type_}"],
        "summary": f"Search {type_}",
        "operationId": f"search{type_}",
        "parameters": [*parameters, *results],
        "responses": _ANSWERS,
    }


def _parameter(parameter: Parameter) -> Description:
    modifiers = ", ".join(accepted_by(parameter))
    words = f"{parameter.kind}; modifiers {modifiers}." if modifiers else f"{parameter.kind}."
    return {
        "name": parameter.code,
        "in": "query",
        "required": False,
        "description": words,
        "schema": _VALUES[parameter.kind],
    }
