use serde_json::{Value, json};

use super::{Discovery, Profile, Registers, ResourceForm};

const CLAUDE_CALLBACK: &str = "https://claude.ai/api/mcp/auth_callback";

impl Profile {
    /// Every profile there is.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::claude(),
            Self::claude_with_secret(),
            Self::claude_with_document(),
            Self::claude_without_discovery(),
            Self::claude_code(),
            Self::claude_code_with_document(),
            Self::chatgpt(),
            Self::chatgpt_with_document(),
            Self::cursor(),
            Self::vs_code(),
            Self::vs_code_with_document(),
            Self::mcp_inspector(),
            Self::mcp_remote(),
            Self::codex(),
            Self::gemini_cli(),
        ]
    }

    fn new(name: &'static str, registration: Registers, redirect_uri: &'static str) -> Self {
        Self {
            name,
            registration,
            redirect_uris: vec![redirect_uri],
            discovery: Discovery::Challenge,
            resource: ResourceForm::Exact,
            origin: None,
            refreshes_twice: false,
        }
    }

    /// Claude on the web and on the desktop, as a public client.
    #[must_use]
    pub fn claude() -> Self {
        let metadata = public("Claude", json!([CLAUDE_CALLBACK]));
        Self {
            refreshes_twice: true,
            ..Self::new("Claude", Registers::Dynamic(metadata), CLAUDE_CALLBACK)
        }
    }

    /// Claude on the web and on the desktop, asking for a secret.
    #[must_use]
    pub fn claude_with_secret() -> Self {
        let mut metadata = public("Claude", json!([CLAUDE_CALLBACK]));
        metadata["token_endpoint_auth_method"] = json!("client_secret_post");
        Self {
            name: "Claude with a secret",
            registration: Registers::Dynamic(metadata),
            ..Self::claude()
        }
    }

    /// Claude on the web and on the desktop, by its document.
    #[must_use]
    pub fn claude_with_document() -> Self {
        Self {
            name: "Claude with its document",
            registration: Registers::Document("https://claude.ai/oauth/mcp-oauth-client-metadata"),
            ..Self::claude()
        }
    }

    /// Claude where it finds no metadata.
    #[must_use]
    pub fn claude_without_discovery() -> Self {
        Self {
            name: "Claude without discovery",
            discovery: Discovery::Nowhere,
            ..Self::claude()
        }
    }

    /// Claude Code, which gets a port by chance.
    #[must_use]
    pub fn claude_code() -> Self {
        let uri = "http://localhost:58135/callback";
        let mut metadata = public("Claude Code", json!([uri]));
        metadata["application_type"] = json!("native");
        Self::new("Claude Code", Registers::Dynamic(metadata), uri)
    }

    /// Claude Code by its document, which names no port.
    #[must_use]
    pub fn claude_code_with_document() -> Self {
        let document = Registers::Document("https://claude.ai/oauth/claude-code-client-metadata");
        Self {
            redirect_uris: vec![
                "http://localhost:58135/callback",
                "http://127.0.0.1:3118/callback",
            ],
            ..Self::new("Claude Code with its document", document, "")
        }
    }

    /// `ChatGPT`, which may add a query to the resource.
    #[must_use]
    pub fn chatgpt() -> Self {
        let uri = "https://chatgpt.com/connector/oauth/AbC-123_x";
        let registration = Registers::Dynamic(public("ChatGPT", json!([uri])));
        Self {
            resource: ResourceForm::Query,
            ..Self::new("ChatGPT", registration, uri)
        }
    }

    /// `ChatGPT` by its document, which signs its token requests.
    #[must_use]
    pub fn chatgpt_with_document() -> Self {
        Self {
            name: "ChatGPT with its document",
            registration: Registers::Document("https://chatgpt.com/oauth/client-metadata.json"),
            ..Self::chatgpt()
        }
    }

    /// Cursor, which registers three kinds of URIs at once and uses any of them.
    #[must_use]
    pub fn cursor() -> Self {
        let uris = vec![
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "http://localhost:8787/callback",
        ];
        let registration = Registers::Dynamic(public("Cursor", json!(uris)));
        Self {
            redirect_uris: uris,
            discovery: Discovery::WellKnown,
            ..Self::new("Cursor", registration, "")
        }
    }

    /// VS Code, which wants the device flow as well and takes another port than
    /// the one that it registered, if that is taken.
    #[must_use]
    pub fn vs_code() -> Self {
        let mut metadata = public(
            "Visual Studio Code",
            json!([
                "https://insiders.vscode.dev/redirect",
                "https://vscode.dev/redirect",
                "http://127.0.0.1/",
                "http://127.0.0.1:33418/",
            ]),
        );
        metadata["grant_types"] = json!([
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ]);
        metadata["application_type"] = json!("native");
        metadata["client_uri"] = json!("https://code.visualstudio.com");
        Self {
            redirect_uris: vec!["http://127.0.0.1:59656/", "https://vscode.dev/redirect"],
            resource: ResourceForm::TrailingSlash,
            ..Self::new("VS Code", Registers::Dynamic(metadata), "")
        }
    }

    /// VS Code by its document.
    #[must_use]
    pub fn vs_code_with_document() -> Self {
        Self {
            name: "VS Code with its document",
            registration: Registers::Document("https://vscode.dev/oauth/client-metadata.json"),
            ..Self::vs_code()
        }
    }

    /// The MCP Inspector, a script of a page, for which CORS counts.
    #[must_use]
    pub fn mcp_inspector() -> Self {
        let uri = "http://localhost:6274/oauth/callback";
        let mut metadata = public("MCP Inspector", json!([uri]));
        metadata["client_uri"] = json!("https://github.com/modelcontextprotocol/inspector");
        Self {
            discovery: Discovery::WellKnown,
            origin: Some("http://localhost:6274"),
            ..Self::new("MCP Inspector", Registers::Dynamic(metadata), uri)
        }
    }

    /// mcp-remote, which keeps its identifier for ever and knows no `resource`.
    #[must_use]
    pub fn mcp_remote() -> Self {
        let uri = "http://localhost:3334/oauth/callback";
        let mut metadata = public("MCP CLI Proxy", json!([uri]));
        metadata["client_uri"] = json!("https://github.com/modelcontextprotocol/mcp-cli");
        metadata["software_id"] = json!("2e6dc280-f3c3-4e01-99a7-8181dbd1d23d");
        Self {
            discovery: Discovery::Origin,
            resource: ResourceForm::Absent,
            ..Self::new("mcp-remote", Registers::DynamicOnce(metadata), uri)
        }
    }

    /// Codex, which compares issuer and resource strictly.
    #[must_use]
    pub fn codex() -> Self {
        let uri = "http://127.0.0.1:37819/callback/AbCdEfGhIjKl";
        let mut metadata = public("Codex", json!([uri]));
        metadata["application_type"] = json!("native");
        Self::new("Codex", Registers::Dynamic(metadata), uri)
    }

    /// Gemini CLI.
    #[must_use]
    pub fn gemini_cli() -> Self {
        let uri = "http://localhost:7777/oauth/callback";
        let registration = Registers::Dynamic(public("Gemini CLI MCP Client", json!([uri])));
        Self {
            discovery: Discovery::WellKnown,
            ..Self::new("Gemini CLI", registration, uri)
        }
    }
}

/// What almost all of them send.
fn public(name: &str, redirect_uris: Value) -> Value {
    let mut metadata = json!({
        "client_name": name,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    metadata["redirect_uris"] = redirect_uris;
    metadata
}
