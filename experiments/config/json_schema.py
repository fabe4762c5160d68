"""The JSON Schema of a study's file, for editors."""

from __future__ import annotations

from typing import Any

from entangrid.experiments.config.study import StudyConfig


def json_schema() -> dict[str, Any]:
    """Draft 2020-12, with descriptions, ranges and defaults.

    It asks for no more than a file that ``extends`` another has to say; what is missing then, and what fields say of
    one another, ``entangrid validate`` finds.
    """
    schema = StudyConfig.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Entangrid study"
    fields = schema["properties"]
    extends = {
        "type": "string",
        "minLength": 1,
        "description": "a packaged study or a YAML file (relative to this one) that this one is laid upon",
    }
    schema["properties"] = {"extends": extends, **fields}
    alone = {"arms": {"additionalProperties": {"required": ["controller"]}}}
    schema["anyOf"] = [{"required": ["extends"]}, {"required": schema.pop("required"), "properties": alone}]
    arms = fields["arms"]
    for key in ("additionalProperties", "patternProperties"):
        if key in arms:
            each = arms[key] if key == "additionalProperties" else next(iter(arms[key].values()))
            kinds = each.pop("oneOf", None) or each.pop("anyOf", [])
            each.clear()
            each["anyOf"] = [
                *kinds,
                {
                    "type": "object",
                    "not": {"required": ["controller"]},
                    "description": "what differs from the arm of this name in the file that is extended",
                },
                {"type": "null", "description": "removes an arm of the file that is extended"},
            ]
    for name in ("RuleArm", "SearchedArm", "MLPArm", "MatchedArm", "QuantumArm"):
        required = schema["$defs"][name].get("required", [])
        schema["$defs"][name]["required"] = [field for field in required if field == "controller"]
    name = schema["$defs"]["TaskConfig"]["properties"]["name"]
    name["anyOf"] = [{"enum": name.pop("enum")}, {"enum": ["home", "thermostat", "battery", "feeder"]}]
    name.pop("type", None)
    task = {key: fields["task"].pop(key) for key in ("$ref",) if key in fields["task"]}
    fields["task"]["anyOf"] = [task, {"type": "string", "description": "a task's name alone"}]
    return schema
