//! Clients of the field go their whole way, on the store in memory and on SQLite.
#![cfg(all(feature = "sqlite", feature = "test-util"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use oauth_for_mcp::McpAuthBuilder;
use oauth_for_mcp::model::{MasterKey, MasterKeys};
use oauth_for_mcp::store::SqliteStore;
use oauth_for_mcp::test_util::TestServer;
use oauth_for_mcp::test_util::profiles::{Profile, ProfileDocuments};

async fn sign_in(profile: &Profile, configure: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder) {
    let server = TestServer::with(|builder| configure(builder.client_documents(ProfileDocuments)));
    profile.sign_in(&server).await;
}

async fn sign_in_on_sqlite(profile: &Profile) {
    let name = profile.name.replace(' ', "-");
    let file = format!("{}/profile-{name}.db", env!("CARGO_TARGET_TMPDIR"));
    for suffix in ["", "-wal", "-shm"] {
        let _absent = std::fs::remove_file(format!("{file}{suffix}"));
    }
    let store = SqliteStore::open(&format!("sqlite:{file}")).await;
    let store = Arc::new(store.unwrap());
    let keys = Arc::new(MasterKeys::new(MasterKey::from_bytes(&[7; 32])));
    sign_in(profile, |builder| builder.store(store, keys)).await;
}

macro_rules! profiles {
    ($($profile:ident)*) => {
        $(mod $profile {
            use super::Profile;

            #[tokio::test]
            async fn signs_in() {
                super::sign_in(&Profile::$profile(), |builder| builder).await;
            }

            #[tokio::test]
            async fn signs_in_on_sqlite() {
                super::sign_in_on_sqlite(&Profile::$profile()).await;
            }
        })*

        #[test]
        fn every_profile_is_tested() {
            let tested = [$(Profile::$profile().name),*];
            let all: Vec<_> = Profile::all().iter().map(|profile| profile.name).collect();
            assert_eq!(tested[..], all);
        }
    };
}

profiles! {
    claude
    claude_with_secret
    claude_with_document
    claude_without_discovery
    claude_code
    claude_code_with_document
    chatgpt
    chatgpt_with_document
    cursor
    vs_code
    vs_code_with_document
    mcp_inspector
    mcp_remote
    codex
    gemini_cli
}
