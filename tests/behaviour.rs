//! What the crate must do on the wire, one module a group of lines of the
//! behaviour list: `a1_a3` proves the lines A1 to A3.
#![cfg(feature = "test-util")]

mod behaviour {
    mod a1_a3_discovery;
    mod a4_a5_transport;
    mod a4_client_addresses;
    mod a4_origins;
    mod a4_rebinding;
    #[path = "../operations/attacks.rs"]
    mod attacks;
    mod b10_sessions;
    mod b11_first_of;
    mod b11_introspection;
    mod b11_named_issuers;
    mod b1_b7_challenges;
    mod b2_public;
    mod b4_foreign_tokens;
    mod b4_tokens;
    mod b5_resource;
    mod b8_attacks;
    mod b8_edges;
    mod b8_lists;
    mod b8_operations;
    mod b9_jwks;
    mod c1_c7_registration;
    mod c1_register_then_authorize;
    mod c2_redirect_uris;
    mod c3_secrets;
    mod c4_closed;
    mod c4_management;
    mod c4_self_contained;
    mod c4_shared;
    mod c5_changes;
    mod c5_documents;
    mod c5_hostile;
    mod c5_limits;
    mod c5_members;
    mod c6_assertions;
    mod c6_fetched_keys;
    mod configuration;
    mod d1_d2_authorize;
    mod d3_consent;
    mod d4_d5_login;
    mod d6_policy;
    mod e10_sweeper;
    mod e11_machines;
    mod e1_codes;
    mod e2_revocation_bound;
    mod e3_refresh;
    mod e3_replicas;
    mod e5_revoke;
    mod e6_api_keys;
    mod e6_api_keys_alone;
    mod e7_key_outages;
    mod e7_keys;
    mod e8_outages;
    mod e9_grants;
    mod e9_master_keys;
    mod elsewhere;
    mod f1_limits;
    mod f2_fetches;
    mod f2_rate_limits;
    mod f3_secrets;
    mod f4_any_input;
    #[allow(dead_code, reason = "races use the rest of it")]
    mod faulty_store;
    #[path = "../redirect_uris/pairs.rs"]
    mod pairs;
    mod support;
    mod web;
}
