//! What it costs to find out who calls, side by side with what cannot be saved:
//! the bare signature check, or the bare decoding.
//!
//! `cargo bench --features test-util --bench verify`

#![allow(clippy::disallowed_methods, reason = "the floor has no ports")]

#[path = "support/bearer.rs"]
#[allow(dead_code, reason = "instructions use the rest of it")]
mod bearer;
#[path = "support/foreign.rs"]
mod foreign;
#[path = "support/published.rs"]
mod published;
#[path = "support/ready.rs"]
mod ready;

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use criterion::Criterion;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use oauth_for_mcp::McpAuthBuilder;
use oauth_for_mcp::jose::Algorithm;
use oauth_for_mcp::protocol::bearer::BearerToken;
use oauth_for_mcp::protocol::credentials::ClientCredentials;
use oauth_for_mcp::protocol::form::Form;
use oauth_for_mcp::resource::ResourceServerBuilder;

use bearer::Bearer;
use foreign::Foreign;

const FORM: &[u8] = b"grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA-xyzABC0123456789_-abc&redirect_uri=https%3A%2F%2Fclient.example.com%2Fcallback&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&client_id=s6BhdRkqt3&resource=https%3A%2F%2Fmcp.example.com%2Fmcp";

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    own_tokens(&mut criterion);
    foreign_tokens(&mut criterion);
    parsing(&mut criterion);
    criterion.final_summary();
}

/// From the header to the verified token, and whether its scope is enough.
fn own_tokens(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("own token");
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let bearer = Bearer::signed_with(algorithm, 1, McpAuthBuilder::without_token_cache);
        group.bench_function(format!("{algorithm}/ours"), |bench| {
            bench.iter(|| bearer.verify());
        });
        group.bench_function(format!("{algorithm}/signature alone"), |bench| {
            bench.iter(|| bearer.floor().verify());
        });
    }
    group.finish();
}

/// From the compact token to the checked signature.
fn foreign_tokens(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("foreign token");
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es384] {
        let foreign =
            Foreign::signed_with(algorithm, 1, ResourceServerBuilder::without_token_cache);
        group.bench_function(format!("{algorithm}/ours"), |bench| {
            bench.iter(|| foreign.verify());
        });
        group.bench_function(format!("{algorithm}/signature alone"), |bench| {
            bench.iter(|| foreign.floor().verify());
        });
    }
    group.finish();
}

fn parsing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parsing");
    group.bench_function("form/ours", |bench| {
        bench.iter(|| Form::parse(black_box(FORM)));
    });
    group.bench_function("form/decoded alone", |bench| {
        bench.iter(|| decoded(black_box(FORM)));
    });

    let headers = authorization(&format!("Bearer {}", "aZ9-_.".repeat(100)));
    group.bench_function("bearer header", |bench| {
        bench.iter(|| BearerToken::parse(black_box(&headers)));
    });
    let basic = STANDARD.encode("s6BhdRkqt3:gX1fBat3bV-gX1fBat3bV_gX1fBat3bV0123456789a");
    let headers = authorization(&format!("Basic {basic}"));
    let form = Form::parse(FORM).expect("a form");
    group.bench_function("client credentials/header", |bench| {
        bench.iter(|| ClientCredentials::parse(black_box(&headers), black_box(&form)));
    });
    let headers = HeaderMap::new();
    group.bench_function("client credentials/form", |bench| {
        bench.iter(|| ClientCredentials::parse(black_box(&headers), black_box(&form)));
    });
    group.finish();
}

/// The parameters, decoded and owned, with nothing asked of them.
fn decoded(form: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(form).into_owned().collect()
}

fn authorization(text: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, text.parse().expect("a header"))])
}
