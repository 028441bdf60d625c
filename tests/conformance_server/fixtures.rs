//! What the suite expects a server to have: names and answers that never change.

use serde_json::{Value, json};

/// A red dot.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
/// A WAVE file without a sample.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

pub(super) fn capabilities() -> Value {
    json!({
        "completions": {},
        "logging": {},
        "prompts": { "listChanged": true },
        "resources": { "listChanged": true, "subscribe": true },
        "tools": { "listChanged": true },
    })
}

pub(super) fn tools() -> Value {
    let plain = [
        "test_simple_text",
        "test_image_content",
        "test_audio_content",
        "test_embedded_resource",
        "test_multiple_content_types",
        "test_error_handling",
        "test_tool_with_logging",
        "test_tool_with_progress",
        "test_elicitation_sep1034_defaults",
        "test_elicitation_sep1330_enums",
        "test_input_required_result_elicitation",
        "test_input_required_result_sampling",
        "test_input_required_result_list_roots",
        "test_input_required_result_request_state",
        "test_input_required_result_multiple_inputs",
        "test_input_required_result_multi_round",
        "test_input_required_result_tampered_state",
        "test_input_required_result_capabilities",
        "test_missing_capability",
        "test_streaming_elicitation",
        "test_logging_tool",
        "test_trigger_tool_change",
        "test_trigger_prompt_change",
        "test_closed",
    ];
    let mut tools: Vec<_> = plain
        .map(|name| tool(name, &json!({ "type": "object" })))
        .to_vec();
    let text = json!({ "type": "string" });
    tools.extend([
        tool("test_sampling", &with("prompt", &text)),
        tool("test_elicitation", &with("message", &text)),
        tool(
            "test_region",
            &with(
                "region",
                &json!({ "type": "string", "x-mcp-header": "Region" }),
            ),
        ),
        tool("json_schema_2020_12_tool", &rich_schema()),
    ]);
    json!(tools)
}

fn tool(name: &str, schema: &Value) -> Value {
    json!({ "name": name, "description": format!("The suite's {name}."), "inputSchema": schema })
}

fn with(name: &str, property: &Value) -> Value {
    json!({ "type": "object", "properties": { name: property }, "required": [name] })
}

fn rich_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": {
            "properties": { "contactMethod": { "const": "phone" } },
            "required": ["contactMethod"],
        },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    })
}

/// The content of a tool that always answers the same.
pub(super) fn content(tool: &str) -> Option<Value> {
    let image = json!({ "type": "image", "data": PNG, "mimeType": "image/png" });
    let resource = |uri: &str, kind: &str, text: &str| {
        let resource = json!({ "uri": uri, "mimeType": kind, "text": text });
        json!({ "type": "resource", "resource": resource })
    };
    Some(match tool {
        "test_simple_text" | "test_closed" | "test_region" | "json_schema_2020_12_tool" => {
            json!([text("This is a simple text response for testing.")])
        }
        "test_image_content" => json!([image]),
        "test_audio_content" => {
            json!([{ "type": "audio", "data": WAV, "mimeType": "audio/wav" }])
        }
        "test_embedded_resource" => json!([resource(
            "test://embedded-resource",
            "text/plain",
            "This is an embedded resource content.",
        )]),
        "test_multiple_content_types" => json!([
            text("Multiple content types test:"),
            image,
            resource(
                "test://mixed-content-resource",
                "application/json",
                r#"{"test":"data","value":123}"#,
            ),
        ]),
        _ => return None,
    })
}

pub(super) fn text(text: impl Into<String>) -> Value {
    json!({ "type": "text", "text": text.into() })
}

pub(super) fn resources() -> Value {
    json!([
        resource("test://static-text", "text/plain"),
        resource("test://static-binary", "image/png"),
        resource("test://watched-resource", "text/plain"),
        resource("test://closed/1", "text/plain"),
    ])
}

fn resource(uri: &str, kind: &str) -> Value {
    json!({ "uri": uri, "name": uri, "description": "For the suite.", "mimeType": kind })
}

pub(super) fn templates() -> Value {
    let template = |uri: &str| {
        json!({
            "uriTemplate": uri,
            "name": "template",
            "description": "For the suite.",
            "mimeType": "application/json",
        })
    };
    json!([
        template("test://template/{id}/data"),
        template("test://closed/{id}")
    ])
}

/// The content of a resource, if there is one.
pub(super) fn read(uri: &str) -> Option<Value> {
    let (kind, member, value) = match uri {
        "test://static-text" | "test://watched-resource" | "test://closed/1" => {
            let value = "This is the content of the static text resource.";
            ("text/plain", "text", value.to_owned())
        }
        "test://static-binary" => ("image/png", "blob", PNG.to_owned()),
        _ => {
            let id = uri
                .strip_prefix("test://template/")?
                .strip_suffix("/data")?;
            let value =
                json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            ("application/json", "text", value.to_string())
        }
    };
    Some(json!([{ "uri": uri, "mimeType": kind, member: value }]))
}

pub(super) fn prompts() -> Value {
    let prompt = |name: &str, arguments: &[&str]| {
        let arguments = arguments
            .iter()
            .map(|name| json!({ "name": name, "required": true }));
        let arguments: Vec<_> = arguments.collect();
        json!({ "name": name, "description": "For the suite.", "arguments": arguments })
    };
    json!([
        prompt("test_simple_prompt", &[]),
        prompt("test_closed", &[]),
        prompt("test_prompt_with_arguments", &["arg1", "arg2"]),
        prompt("test_prompt_with_embedded_resource", &["resourceUri"]),
        prompt("test_prompt_with_image", &[]),
        prompt("test_input_required_result_prompt", &[]),
    ])
}

/// The messages of a prompt, if there is one.
pub(super) fn messages(prompt: &str, arguments: &Value) -> Option<Value> {
    let user = |content: Value| json!({ "role": "user", "content": content });
    let argument = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
    Some(match prompt {
        "test_simple_prompt" | "test_closed" => {
            json!([user(text("This is a simple prompt for testing."))])
        }
        "test_prompt_with_arguments" => {
            let (one, two) = (argument("arg1"), argument("arg2"));
            let line = format!("Prompt with arguments: arg1='{one}', arg2='{two}'");
            json!([user(text(line))])
        }
        "test_prompt_with_embedded_resource" => json!([
            user(json!({
                "type": "resource",
                "resource": {
                    "uri": argument("resourceUri"),
                    "mimeType": "text/plain",
                    "text": "Embedded resource content for testing.",
                },
            })),
            user(text("Please process the embedded resource above.")),
        ]),
        "test_prompt_with_image" => json!([
            user(json!({ "type": "image", "data": PNG, "mimeType": "image/png" })),
            user(text("Please analyze the image above.")),
        ]),
        _ => return None,
    })
}
