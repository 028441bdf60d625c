//! The table of attacks over sockets: whatever accepts connections, whatever the client
//! speaks, and however the handler answers.

use crate::attacks::{self, Attack, CALL, HARMLESS, attack};
use crate::fronts::Front;
use crate::handler::Answers;
use crate::world::{Protocol, Travel, World};

/// Each attack by each way to travel, but that the two longest never come byte by byte.
const CASES: usize = 122 * 4 - 2;

/// Sends the whole table as the reader, and tells how many cases that were.
async fn attack_all(world: &World) -> usize {
    let attacks = [attacks::bodies(), attacks::heads(), attacks::targets()];
    let mut cases = 0;
    for attack in attacks.iter().flatten() {
        for travel in [
            Travel::AtOnce,
            Travel::Chunked,
            Travel::Slow,
            Travel::BrokenOff,
        ] {
            let is_long = attack.body.len() > 100_000;
            if !(is_long && travel == Travel::Slow) {
                is_refused(world, attack, travel).await;
                cases += 1;
            }
        }
    }
    cases
}

async fn is_refused(world: &World, attack: &Attack, travel: Travel) {
    let status = world.send(&world.reader, attack, travel).await;
    let case = format!(
        "{} {} {:?} {travel:?}",
        attack.name, attack.method, attack.headers
    );
    let refused = |status: u16| attack.refusals.contains(&status) || status == 400;
    assert!(status.is_none_or(refused), "{status:?}: {case}");
    let may_hang_up = attack.body.len() > 100_000 || travel == Travel::BrokenOff;
    assert!(status.is_some() || may_hang_up, "{case}");
    assert_eq!(world.runs.of_add_note(), 0, "{case}");
    assert_eq!(world.runs.of_list_notes(), 0, "{case}");
}

/// So that the attacks could succeed: who has the scope runs the tool, and who has not
/// runs the other one, in the very sessions and however the body travels.
async fn calls_run(world: &World, answers: Answers) {
    let kind = match answers {
        Answers::Alone => "application/json",
        Answers::InSessions => "text/event-stream",
    };
    let mut runs = 0;
    for travel in [Travel::AtOnce, Travel::Chunked, Travel::Slow] {
        for (who, body) in [(&world.writer, CALL), (&world.reader, HARMLESS)] {
            let call = attack("a call", body, &[]);
            let answer = world.ask(who, &call, travel).await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(answer.kind, kind);
        }
        runs += 1;
        assert_eq!(
            (world.runs.of_add_note(), world.runs.of_list_notes()),
            (runs, runs)
        );
    }
}

async fn holds(front: Front, protocol: Protocol, answers: Answers) {
    let world = World::new(front, protocol, answers).await;
    assert_eq!(attack_all(&world).await, CASES);
    calls_run(&world, answers).await;
}

/// B8
#[tokio::test]
async fn no_attack_runs_a_tool_however_its_body_travels() {
    holds(Front::Axum, Protocol::Http1, Answers::Alone).await;
}

/// B8
#[tokio::test]
async fn no_attack_runs_a_tool_in_a_session() {
    holds(Front::Axum, Protocol::Http1, Answers::InSessions).await;
}

/// B8
#[tokio::test]
async fn no_attack_runs_a_tool_by_http2() {
    holds(Front::Axum, Protocol::Http2, Answers::Alone).await;
}

/// B8
#[tokio::test]
async fn no_attack_runs_a_tool_in_a_session_by_http2() {
    holds(Front::Axum, Protocol::Http2, Answers::InSessions).await;
}

/// B8
#[tokio::test]
async fn no_attack_runs_a_tool_behind_actix() {
    holds(Front::Actix, Protocol::Http1, Answers::Alone).await;
}

/// B8
#[tokio::test]
async fn no_attack_runs_a_tool_in_a_session_behind_actix() {
    holds(Front::Actix, Protocol::Http1, Answers::InSessions).await;
}

/// B8: a body that does not come to its end reaches nobody.
#[tokio::test]
async fn a_body_that_breaks_off_runs_nothing_even_with_the_scope() {
    for (front, protocol) in [
        (Front::Axum, Protocol::Http1),
        (Front::Axum, Protocol::Http2),
        (Front::Actix, Protocol::Http1),
    ] {
        let world = World::new(front, protocol, Answers::Alone).await;
        let call = attack("a call", CALL, &[]);
        let status = world.send(&world.writer, &call, Travel::BrokenOff).await;
        assert!(status.is_none_or(|status| status == 400), "{status:?}");
        assert_eq!(world.runs.of_add_note(), 0);
    }
}

/// B8
#[tokio::test]
async fn lists_are_cut_on_the_wire() {
    for (front, protocol) in [
        (Front::Axum, Protocol::Http1),
        (Front::Axum, Protocol::Http2),
        (Front::Actix, Protocol::Http1),
    ] {
        for answers in [Answers::Alone, Answers::InSessions] {
            let world = World::new(front, protocol, answers).await;
            let list = r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#;
            let list = attack("a list", list, &[]);
            let shown = world.ask(&world.reader, &list, Travel::AtOnce).await;
            let shown = shown.unwrap();
            let (status, shown) = (shown.status, shown.text);
            assert!(status == 200 && shown.contains("list_notes"), "{shown}");
            assert!(
                !shown.contains("add_note") && shown.contains(r#""id":7"#),
                "{shown}"
            );
            let all = world.ask(&world.writer, &list, Travel::Chunked).await;
            let all = all.unwrap().text;
            assert!(
                all.contains("list_notes") && all.contains("add_note"),
                "{all}"
            );
        }
    }
}
