//! A server with everything that the suite asks for, on rmcp.
#![allow(
    deprecated,
    reason = "earlier revisions have what the latest one dropped"
)]

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    CreateMessageRequestParams, ElicitRequest, ErrorCode, GetPromptRequestParams,
    GetPromptResponse, GetPromptResult, InputRequiredResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, LoggingLevel,
    LoggingMessageNotificationParam, PaginatedRequestParams, ProgressNotificationParam,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, SamplingMessage,
    ServerCapabilities, ServerConfig, ServerRequest, SetLevelRequestParams, SubscribeRequestParams,
    SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::fixtures::{self, text};
use crate::fronts::Shared;

const PAUSE: Duration = Duration::from_millis(50);
/// What a client has to give back as it is.
const STATES: [&str; 2] = ["state-of-round-1", "state-of-round-2"];

type Context = RequestContext<RoleServer>;

/// The server, in sessions for the revisions that have them.
pub(crate) fn service() -> Shared {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(true)
        // Where there are no sessions, and as long as there is but one message.
        .with_json_response(true)
        .with_sse_retry(Some(Duration::from_millis(100)));
    let sessions = Arc::new(LocalSessionManager::default());
    let (changes, _) = broadcast::channel(16);
    let everything = Everything { changes };
    Shared::of(StreamableHttpService::new(
        move || Ok(everything.clone()),
        sessions,
        config,
    ))
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Tools,
    Prompts,
}

#[derive(Clone, Debug)]
struct Everything {
    changes: broadcast::Sender<Change>,
}

fn typed<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("what stands here fits the protocol")
}

/// A result that is whole; rmcp leaves out what earlier revisions do not have.
fn complete<T: DeserializeOwned>(mut result: Value) -> T {
    result["resultType"] = json!("complete");
    typed(result)
}

fn failed(error: impl ToString) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

/// The answer of a tool: text alone.
fn says(line: impl Into<String>) -> CallToolResponse {
    complete::<CallToolResult>(json!({ "content": [text(line)] })).into()
}

/// A list that may be kept for a while.
fn list<T: DeserializeOwned>(name: &str, items: Value) -> T {
    complete(json!({ name: items, "ttlMs": 1000, "cacheScope": "private" }))
}

fn elicitation(message: &str, name: &str, kind: &str) -> Value {
    json!({
        "method": "elicitation/create",
        "params": {
            "mode": "form",
            "message": message,
            "requestedSchema": {
                "type": "object",
                "properties": { name: { "type": kind } },
                "required": [name],
            },
        },
    })
}

fn sampling(question: &str, tokens: u32) -> Value {
    let message = json!({ "role": "user", "content": text(question) });
    let params = json!({ "messages": [message], "maxTokens": tokens });
    json!({ "method": "sampling/createMessage", "params": params })
}

fn roots() -> Value {
    json!({ "method": "roots/list", "params": {} })
}

/// Asks the client for something before the answer.
fn requires(requests: Value, state: Option<&str>) -> InputRequiredResult {
    let mut result = json!({ "resultType": "input_required", "inputRequests": requests });
    if let Some(state) = state {
        result["requestState"] = json!(state);
    }
    typed(result)
}

impl Everything {
    async fn log(&self, context: &Context, line: &str) -> Result<(), ErrorData> {
        let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(line));
        let sent = context.peer.notify_logging_message(message).await;
        sent.map_err(failed)
    }

    async fn logs(&self, context: &Context) -> Result<CallToolResponse, ErrorData> {
        self.log(context, "Tool execution started").await?;
        tokio::time::sleep(PAUSE).await;
        self.log(context, "Tool processing data").await?;
        tokio::time::sleep(PAUSE).await;
        self.log(context, "Tool execution completed").await?;
        Ok(says("It was logged."))
    }

    async fn progresses(&self, context: &Context) -> Result<CallToolResponse, ErrorData> {
        for done in [0.0, 50.0, 100.0] {
            if let Some(token) = context.meta.get_progress_token() {
                let progress = ProgressNotificationParam::new(token, done).with_total(100.0);
                let sent = context.peer.notify_progress(progress).await;
                sent.map_err(failed)?;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(says("It is done."))
    }

    async fn samples(
        &self,
        arguments: &Value,
        context: &Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let prompt = arguments["prompt"].as_str().unwrap_or_default();
        let request =
            CreateMessageRequestParams::new(vec![SamplingMessage::user_text(prompt)], 100);
        let answer = context.peer.create_message(request).await;
        let answer = answer.map_err(failed)?;
        Ok(says(format!("LLM response: {:?}", answer.message)))
    }

    /// Asks the person at the client.
    async fn elicits(
        &self,
        message: &str,
        properties: Value,
        context: &Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let schema = json!({ "type": "object", "properties": properties });
        let params = json!({ "mode": "form", "message": message, "requestedSchema": schema });
        let request = ServerRequest::ElicitRequest(ElicitRequest::new(typed(params)));
        let answer = context.peer.send_request(request).await;
        let answer = answer.map_err(failed)?;
        Ok(says(format!("User response: {answer:?}")))
    }

    /// The tools of the stateless revision, which ask in their answers.
    fn asks(request: &CallToolRequestParams, context: &Context) -> Option<AskResult> {
        let request = Asking {
            responses: json!(request.input_responses),
            state: request.request_state.as_deref(),
            name: request.name.strip_prefix("test_input_required_result_"),
        };
        let name = elicitation("What is your name?", "name", "string");
        Some(match request.name? {
            "elicitation" => request.one("user_name", name),
            "sampling" => {
                let question = sampling("What is the capital of France?", 100);
                request.one("capital_question", question)
            }
            "list_roots" => request.one("client_roots", roots()),
            "request_state" | "tampered_state" => request.sealed(),
            "multiple_inputs" => request.all(json!({
                "user_name": name,
                "greeting": sampling("Generate a greeting", 50),
                "client_roots": roots(),
            })),
            "multi_round" => request.rounds(),
            "capabilities" => {
                let capabilities = json!(context.client_capabilities());
                let mut requests = json!({});
                if capabilities.get("sampling").is_some() {
                    requests["question"] = sampling("What is the capital of France?", 100);
                }
                if capabilities.get("elicitation").is_some() {
                    requests["user_name"] = name;
                }
                request.all(requests)
            }
            _ => return None,
        })
    }

    fn changed(&self, change: Change) -> CallToolResponse {
        // Nobody may listen.
        let _unheard = self.changes.send(change);
        says("It changed.")
    }
}

type AskResult = Result<CallToolResponse, ErrorData>;

struct Asking<'a> {
    responses: Value,
    state: Option<&'a str>,
    name: Option<&'a str>,
}

impl Asking<'_> {
    fn answered(&self, key: &str) -> bool {
        self.responses[key].is_object()
    }

    fn one(&self, key: &str, request: Value) -> AskResult {
        Ok(if self.answered(key) {
            says(format!("You said {}.", self.responses[key]))
        } else {
            requires(json!({ key: request }), None).into()
        })
    }

    fn all(&self, requests: Value) -> AskResult {
        let keys = requests
            .as_object()
            .map(|requests| requests.keys().cloned());
        let mut keys = keys.into_iter().flatten();
        Ok(if keys.all(|key| self.answered(&key)) {
            says(format!("You said {}.", self.responses))
        } else {
            requires(requests, Some(STATES[0])).into()
        })
    }

    fn sealed(&self) -> AskResult {
        match self.state {
            None => {
                let request = elicitation("Please confirm", "ok", "boolean");
                Ok(requires(json!({ "confirm": request }), Some(STATES[0])).into())
            }
            Some(state) if state == STATES[0] => Ok(says("state-ok")),
            Some(_) => Err(ErrorData::invalid_params("this state is not ours", None)),
        }
    }

    fn rounds(&self) -> AskResult {
        let first = elicitation("Step 1: What is your name?", "name", "string");
        let second = elicitation("Step 2: What is your favorite color?", "color", "string");
        Ok(match self.state {
            Some(state) if state == STATES[1] && self.answered("step2") => says("It is done."),
            Some(state) if state == STATES[0] && self.answered("step1") => {
                requires(json!({ "step2": second }), Some(STATES[1])).into()
            }
            _ => requires(json!({ "step1": first }), Some(STATES[0])).into(),
        })
    }
}

/// A field of each kind, filled in beforehand.
fn defaults() -> Value {
    json!({
        "name": { "type": "string", "default": "John Doe" },
        "age": { "type": "integer", "default": 30 },
        "score": { "type": "number", "default": 95.5 },
        "status": {
            "type": "string",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": { "type": "boolean", "default": true },
    })
}

/// A choice of each kind.
fn choices() -> Value {
    let titled = json!([
        { "const": "value1", "title": "First Option" },
        { "const": "value2", "title": "Second Option" },
        { "const": "value3", "title": "Third Option" },
    ]);
    json!({
        "untitledSingle": { "type": "string", "enum": ["option1", "option2", "option3"] },
        "titledSingle": { "type": "string", "oneOf": titled },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {
            "type": "array",
            "items": { "type": "string", "enum": ["option1", "option2", "option3"] },
        },
        "titledMulti": { "type": "array", "items": { "anyOf": titled } },
    })
}

impl ServerHandler for Everything {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(typed::<ServerCapabilities>(fixtures::capabilities()))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(list("tools", fixtures::tools()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let tools: Vec<Tool> = typed(fixtures::tools());
        tools.into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        if let Some(content) = fixtures::content(&request.name) {
            return Ok(complete::<CallToolResult>(json!({ "content": content })).into());
        }
        if let Some(asked) = Self::asks(&request, &context) {
            return asked;
        }
        let arguments = json!(request.arguments);
        match &*request.name {
            "test_error_handling" => {
                let content = [text("This tool intentionally returns an error for testing")];
                let result = json!({ "content": content, "isError": true });
                Ok(complete::<CallToolResult>(result).into())
            }
            "test_tool_with_logging" => self.logs(&context).await,
            "test_logging_tool" => {
                if context.meta.log_level().is_some() {
                    self.log(&context, "As you wished").await?;
                }
                Ok(says("It was logged if you wished so."))
            }
            "test_tool_with_progress" => self.progresses(&context).await,
            "test_sampling" => self.samples(&arguments, &context).await,
            "test_elicitation" => {
                let message = arguments["message"].as_str().unwrap_or_default();
                let field = json!({ "type": "string", "description": "Yours" });
                let fields = json!({ "username": field, "email": field });
                self.elicits(message, fields, &context).await
            }
            "test_elicitation_sep1034_defaults" => {
                self.elicits("Is this right?", defaults(), &context).await
            }
            "test_elicitation_sep1330_enums" => {
                self.elicits("Please choose", choices(), &context).await
            }
            "test_streaming_elicitation" => {
                let request = elicitation("What is your name?", "name", "string");
                Ok(requires(json!({ "user_name": request }), None).into())
            }
            "test_missing_capability" => needs_sampling(&context),
            "test_trigger_tool_change" => Ok(self.changed(Change::Tools)),
            "test_trigger_prompt_change" => Ok(self.changed(Change::Prompts)),
            unknown => {
                let line = format!("there is no tool {unknown}");
                Err(ErrorData::invalid_params(line, None))
            }
        }
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(list("resources", fixtures::resources()))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(list("resourceTemplates", fixtures::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let Some(contents) = fixtures::read(&request.uri) else {
            let data = json!({ "uri": request.uri });
            return Err(ErrorData::resource_not_found(
                "Resource not found",
                Some(data),
            ));
        };
        Ok(list::<ReadResourceResult>("contents", contents).into())
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.subscribe();
        loop {
            let change = tokio::select! {
                change = changes.recv() => change,
                () = context.cancelled() => return Ok(()),
            };
            // Only who asked for it gets it: the rest is refused here.
            let _unwanted = match change {
                Ok(Change::Tools) => context.sink().notify_tool_list_changed().await,
                Ok(Change::Prompts) => context.sink().notify_prompt_list_changed().await,
                Err(_) => return Ok(()),
            };
        }
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(list("prompts", fixtures::prompts()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        if request.name == "test_input_required_result_prompt" && request.input_responses.is_none()
        {
            let message = "What context should the prompt use?";
            let question = elicitation(message, "context", "string");
            return Ok(requires(json!({ "user_context": question }), None).into());
        }
        let name = match &*request.name {
            "test_input_required_result_prompt" => "test_simple_prompt",
            name => name,
        };
        match fixtures::messages(name, &json!(request.arguments)) {
            Some(messages) => {
                Ok(complete::<GetPromptResult>(json!({ "messages": messages })).into())
            }
            None => Err(ErrorData::invalid_params("there is no such prompt", None)),
        }
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: Context,
    ) -> Result<CompleteResult, ErrorData> {
        Ok(CompleteResult::default())
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }
}

fn needs_sampling(context: &Context) -> AskResult {
    let capabilities = json!(context.client_capabilities());
    if capabilities.get("sampling").is_some() {
        return Ok(says("You can sample."));
    }
    let data = json!({ "requiredCapabilities": { "sampling": {} } });
    Err(ErrorData::new(
        ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY,
        "this tool samples",
        Some(data),
    ))
}
