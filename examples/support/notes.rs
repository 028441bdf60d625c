//! A note book per signed-in person, as an rmcp server.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use http::request::Parts;
use oauth_for_mcp::VerifiedToken;
use rmcp::{
    ErrorData, Json, RoleServer, ServerHandler,
    handler::server::{router::tool::ToolRouter, wrapper::Parameters},
    model::{Implementation, ServerCapabilities, ServerConfig},
    schemars::{self, JsonSchema},
    service::RequestContext,
    tool, tool_handler, tool_router,
};
use serde::{Deserialize, Serialize};

const MAX_PEOPLE: usize = 1000;
const MAX_NOTES_PER_PERSON: usize = 1000;
const MAX_NOTE_BYTES: usize = 4096;

/// Who is calling, as the protection in front of the MCP service verified it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Caller {
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    client_id: Option<String>,
    scopes: Vec<String>,
    issuer: String,
}

impl Caller {
    fn of(token: &VerifiedToken) -> Self {
        let identity = token.identity();
        Self {
            subject: token.subject().to_string(),
            upstream_subject: identity.map(|identity| identity.subject.to_string()),
            email: identity.and_then(|identity| identity.email.clone()),
            client_id: token.client_id().map(ToString::to_string),
            scopes: token.scope().iter().map(ToString::to_string).collect(),
            issuer: token.issuer().to_owned(),
        }
    }
}

/// The token of this one request; a session says nothing about who calls.
///
/// rmcp hands the head of the HTTP request on, with what the protection put there.
/// With the feature `rmcp`, `oauth_for_mcp::adapter::rmcp::caller` does the same; by
/// hand, the examples run with the default features.
fn caller(context: &RequestContext<RoleServer>) -> Result<&VerifiedToken, ErrorData> {
    context
        .extensions
        .get::<Parts>()
        .and_then(|parts| parts.extensions.get::<VerifiedToken>())
        .ok_or_else(|| ErrorData::internal_error("this server is not protected", None))
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct NewNote {
    /// What to remember.
    text: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NoteList {
    notes: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Added {
    /// How many notes there are now.
    count: usize,
}

/// The notes of everybody; a clone shows the same notes.
#[derive(Clone, Debug, Default)]
struct Shelf(Arc<Mutex<BTreeMap<String, Vec<String>>>>);

impl Shelf {
    fn read(&self, subject: &str) -> Vec<String> {
        let books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        books.get(subject).cloned().unwrap_or_default()
    }

    fn add(&self, subject: &str, text: String) -> Result<usize, String> {
        if text.len() > MAX_NOTE_BYTES {
            return Err(format!("a note holds at most {MAX_NOTE_BYTES} bytes"));
        }
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if books.len() >= MAX_PEOPLE && !books.contains_key(subject) {
            return Err("all note books are taken".to_owned());
        }
        let book = books.entry(subject.to_owned()).or_default();
        if book.len() >= MAX_NOTES_PER_PERSON {
            return Err(format!(
                "a note book holds at most {MAX_NOTES_PER_PERSON} notes"
            ));
        }
        book.push(text);
        Ok(book.len())
    }
}

/// The MCP server. rmcp makes one per session or request, all over one shelf.
#[derive(Clone, Debug)]
pub(crate) struct NoteBook {
    shelf: Shelf,
    tool_router: ToolRouter<Self>,
}

#[tool_router]
impl NoteBook {
    pub(crate) fn new() -> Self {
        Self {
            shelf: Shelf::default(),
            tool_router: Self::tool_router(),
        }
    }

    #[tool(description = "Says who you are signed in as, through which client, with which scopes.")]
    async fn whoami(&self, context: RequestContext<RoleServer>) -> Result<Json<Caller>, ErrorData> {
        Ok(Json(Caller::of(caller(&context)?)))
    }

    #[tool(description = "Lists your notes, oldest first.")]
    async fn list_notes(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<NoteList>, ErrorData> {
        let notes = self.shelf.read(caller(&context)?.subject().as_str());
        Ok(Json(NoteList { notes }))
    }

    #[tool(description = "Adds a note to your note book.")]
    async fn add_note(
        &self,
        Parameters(note): Parameters<NewNote>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Added>, ErrorData> {
        let subject = caller(&context)?.subject();
        let count = self
            .shelf
            .add(subject.as_str(), note.text)
            .map_err(|reason| ErrorData::invalid_params(reason, None))?;
        Ok(Json(Added { count }))
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for NoteBook {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("note-book", env!("CARGO_PKG_VERSION")))
            .with_instructions("A note book for each signed-in person.")
    }
}
