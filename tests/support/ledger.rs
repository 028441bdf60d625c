//! What one client was answered with 200, and what follows from it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::StatusCode;

use super::agent::{self, Agent, is_invalid_grant, tokens};
use super::counts::Counts;
use super::random::Random;
use super::wire::{Answer, Lost, Wire};

/// More grants than this are set aside until the end.
const IN_USE: usize = 4;
/// A code that is younger is still known, so that its replay ends the grant.
const CODE_IS_FRESH: Duration = Duration::from_secs(40);

/// A code that was answered.
#[derive(Clone, Debug)]
struct Code {
    agent: Arc<Agent>,
    text: String,
    since: Instant,
}

/// A grant that was answered with tokens.
#[derive(Clone, Debug)]
struct Grant {
    code: Code,
    /// Every access token that was answered.
    access: Vec<String>,
    /// The refresh token that is not spent, or whose answer was lost.
    refresh: String,
    /// Whether its refresh was lost, so that it is sent again.
    in_doubt: bool,
}

/// One client's ledger.
#[derive(Debug)]
pub(crate) struct Ledger {
    wire: Wire,
    name: String,
    random: Random,
    agents: Vec<Arc<Agent>>,
    grants: Vec<Grant>,
    aside: Vec<Grant>,
    ended: Vec<Grant>,
    /// A code whose redemption was lost.
    doubtful_code: Option<Code>,
    /// A grant whose revocation was lost.
    revoking: Option<Grant>,
    counts: Counts,
}

impl Ledger {
    pub(crate) fn new(wire: Wire, number: usize, random: Random) -> Self {
        Self {
            wire,
            name: format!("person-{number}"),
            random,
            agents: Vec::new(),
            grants: Vec::new(),
            aside: Vec::new(),
            ended: Vec::new(),
            doubtful_code: None,
            revoking: None,
            counts: Counts::default(),
        }
    }

    pub(crate) const fn counts(&self) -> Counts {
        self.counts
    }

    /// Does one thing, first of all what is in doubt.
    pub(crate) async fn step(&mut self) -> Result<(), Lost> {
        self.settle().await?;
        if self.agents.is_empty() || self.random.chance(2) {
            let agent = Agent::register(&self.wire, "none").await?;
            self.agents.push(Arc::new(agent));
            self.counts.registrations += 1;
        }
        if self.grants.is_empty() || self.random.chance(12) {
            return self.sign_in().await;
        }
        let index = self.random.below(self.grants.len());
        match self.random.below(100) {
            0..50 => self.refresh(index).await,
            50..60 => self.refresh_twice(index).await,
            60..95 => self.call(index).await,
            95..98 => self.revoke(index).await,
            _ => self.replay(index).await,
        }
    }

    /// Sends again what was lost.
    async fn settle(&mut self) -> Result<(), Lost> {
        if let Some(code) = self.doubtful_code.clone() {
            self.repeat_code(code).await?;
        }
        if let Some(grant) = self.revoking.clone() {
            self.end(grant).await?;
        }
        for index in 0..self.grants.len() {
            if self.grants[index].in_doubt {
                self.refresh(index).await?;
                self.counts.refreshes_repeated += 1;
            }
        }
        Ok(())
    }

    async fn sign_in(&mut self) -> Result<(), Lost> {
        let index = self.random.below(self.agents.len());
        let agent = Arc::clone(&self.agents[index]);
        let text = agent
            .authorize(&self.wire, &self.name, "notes:read")
            .await?;
        self.counts.sign_ins += 1;
        let since = Instant::now();
        let code = Code { agent, text, since };
        if self.random.chance(20) {
            return self.redeem_twice(code).await;
        }
        match code.agent.redeem(&self.wire, &code.text).await {
            Ok(reply) => {
                let got = tokens(&reply).unwrap_or_else(|| panic!("a new code is lost: {reply:?}"));
                self.begin(code, got);
                Ok(())
            }
            Err(lost) => {
                self.doubt(code);
                Err(lost)
            }
        }
    }

    fn doubt(&mut self, code: Code) {
        self.counts.codes_in_doubt += 1;
        self.doubtful_code = Some(code);
    }

    /// Redeems one code from two connections at once.
    async fn redeem_twice(&mut self, code: Code) -> Result<(), Lost> {
        self.counts.codes_sent_twice += 1;
        let (agent, wire) = (&code.agent, &self.wire);
        let both = tokio::join!(
            agent.redeem(wire, &code.text),
            agent.redeem(wire, &code.text)
        );
        let got: Vec<_> = [&both.0, &both.1]
            .into_iter()
            .filter_map(|answer| tokens(answer.as_ref().ok()?))
            .collect();
        for reply in [&both.0, &both.1].into_iter().flatten() {
            let known = reply.status == StatusCode::OK || is_invalid_grant(reply);
            assert!(known, "{reply:?}");
        }
        assert!(got.len() < 2, "a code gave tokens twice: {both:?}");
        match (got.into_iter().next(), both) {
            // The second use ended the grant.
            (Some(got), (Ok(_), Ok(_))) => self.replayed(code, got),
            // The other use may still come to be answered, and end the grant then.
            (Some(got), (Err(lost), _) | (_, Err(lost))) => {
                self.counts.codes_redeemed += 1;
                self.revoking = Some(Grant::new(code, got));
                return Err(lost);
            }
            (None, (Ok(_), Ok(_))) => panic!("a new code gave no tokens at all"),
            (None, (Err(lost), Err(_))) => {
                self.doubt(code);
                return Err(lost);
            }
            // The lost one was first, and its grant is ended.
            (None, (Err(lost), _) | (_, Err(lost))) => return Err(lost),
        }
        Ok(())
    }

    fn replayed(&mut self, code: Code, got: agent::Tokens) {
        self.counts.codes_redeemed += 1;
        self.ended.push(Grant::new(code, got));
    }

    /// A code whose redemption was lost may be good or gone.
    async fn repeat_code(&mut self, code: Code) -> Result<(), Lost> {
        let reply = code.agent.redeem(&self.wire, &code.text).await?;
        self.doubtful_code = None;
        match tokens(&reply) {
            Some(got) => {
                self.counts.codes_in_doubt_redeemed += 1;
                self.begin(code, got);
            }
            None => assert!(is_invalid_grant(&reply), "{reply:?}"),
        }
        Ok(())
    }

    fn begin(&mut self, code: Code, got: agent::Tokens) {
        self.counts.codes_redeemed += 1;
        self.grants.push(Grant::new(code, got));
        if self.grants.len() > IN_USE {
            let index = self.random.below(self.grants.len());
            if !self.grants[index].in_doubt {
                self.aside.push(self.grants.swap_remove(index));
            }
        }
    }

    async fn refresh(&mut self, index: usize) -> Result<(), Lost> {
        let grant = &mut self.grants[index];
        let answer = grant.code.agent.refresh(&self.wire, &grant.refresh).await;
        grant.renew(&[answer])?;
        self.counts.refreshes += 1;
        Ok(())
    }

    /// Sends one refresh token from two connections at once.
    async fn refresh_twice(&mut self, index: usize) -> Result<(), Lost> {
        let grant = &mut self.grants[index];
        let (agent, wire) = (&grant.code.agent, &self.wire);
        let (one, other) = tokio::join!(
            agent.refresh(wire, &grant.refresh),
            agent.refresh(wire, &grant.refresh)
        );
        grant.renew(&[one, other])?;
        self.counts.refreshes += 1;
        self.counts.refreshes_sent_twice += 1;
        Ok(())
    }

    async fn call(&mut self, index: usize) -> Result<(), Lost> {
        let access = &self.grants[index].access;
        let token = access[self.random.below(access.len())].clone();
        self.works(&token).await
    }

    async fn revoke(&mut self, index: usize) -> Result<(), Lost> {
        let grant = self.grants.swap_remove(index);
        self.revoking = Some(grant.clone());
        self.end(grant).await
    }

    /// Revokes a grant, and again until that is answered.
    async fn end(&mut self, grant: Grant) -> Result<(), Lost> {
        let agent = &grant.code.agent;
        let reply = agent.revoke(&self.wire, &grant.refresh).await?;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        self.is_over(&grant).await?;
        self.revoking = None;
        self.counts.revocations += 1;
        self.ended.push(grant);
        Ok(())
    }

    /// Redeems a code once more, which ends its grant.
    async fn replay(&mut self, index: usize) -> Result<(), Lost> {
        if self.grants[index].code.since.elapsed() > CODE_IS_FRESH {
            return Ok(());
        }
        let grant = self.grants.swap_remove(index);
        // If the answer is lost, the revocation that follows makes it sure.
        self.revoking = Some(grant.clone());
        let code = &grant.code;
        let reply = code.agent.redeem(&self.wire, &code.text).await?;
        assert!(is_invalid_grant(&reply), "a code is good twice: {reply:?}");
        self.is_over(&grant).await?;
        self.revoking = None;
        self.ended.push(grant);
        Ok(())
    }

    /// Checks what is in use and a part of the rest.
    pub(crate) async fn check_recent(&mut self) -> Result<(), Lost> {
        self.settle().await?;
        for index in 0..self.grants.len() {
            let grant = &self.grants[index];
            let newest = grant.access.last().cloned().expect("a grant has a token");
            self.works(&newest).await?;
            self.refresh(index).await?;
        }
        if !self.aside.is_empty() {
            let index = self.random.below(self.aside.len());
            let grant = self.aside[index].clone();
            let token = self.random.below(grant.access.len());
            self.works(&grant.access[token]).await?;
        }
        if !self.ended.is_empty() {
            let index = self.random.below(self.ended.len());
            self.is_over(&self.ended[index].clone()).await?;
        }
        if let Some(agent) = self.agents.last().cloned() {
            self.is_known(&agent).await?;
        }
        Ok(())
    }

    /// Checks everything; what was lost is checked again.
    pub(crate) async fn check_all(&mut self) -> Result<(), Lost> {
        self.settle().await?;
        self.grants.append(&mut self.aside);
        for index in 0..self.grants.len() {
            for token in self.grants[index].access.clone() {
                self.works(&token).await?;
            }
            self.refresh(index).await?;
        }
        for grant in self.ended.clone() {
            self.is_over(&grant).await?;
        }
        for agent in self.agents.clone() {
            self.is_known(&agent).await?;
        }
        Ok(())
    }

    async fn works(&mut self, access: &str) -> Result<(), Lost> {
        let (status, subject) = agent::whoami(&self.wire, access).await?;
        let found = (status, subject.as_str());
        let expected = (StatusCode::OK, Some(self.name.as_str()));
        assert_eq!(found, expected, "a good token does not work: {access}");
        self.counts.checks += 1;
        Ok(())
    }

    /// Makes sure that neither token of an ended grant works.
    async fn is_over(&mut self, grant: &Grant) -> Result<(), Lost> {
        let token = &grant.access[self.random.below(grant.access.len())];
        let (status, _) = agent::whoami(&self.wire, token).await?;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "a grant is not over");
        let agent = &grant.code.agent;
        let reply = agent.refresh(&self.wire, &grant.refresh).await?;
        assert!(is_invalid_grant(&reply), "a grant is not over: {reply:?}");
        self.counts.checks += 2;
        Ok(())
    }

    async fn is_known(&mut self, agent: &Agent) -> Result<(), Lost> {
        let known = agent.is_known(&self.wire).await?;
        assert!(known, "the client {} is lost", agent.client_id);
        self.counts.checks += 1;
        Ok(())
    }
}

impl Grant {
    fn new(code: Code, got: agent::Tokens) -> Self {
        Self {
            code,
            access: vec![got.access],
            refresh: got.refresh,
            in_doubt: false,
        }
    }

    /// Takes in what came of its refresh token, all of it the same.
    fn renew(&mut self, answers: &[Answer]) -> Result<(), Lost> {
        let got: Vec<_> = answers
            .iter()
            .flatten()
            .map(|reply| {
                tokens(reply).unwrap_or_else(|| panic!("a good refresh token is lost: {reply:?}"))
            })
            .collect();
        let Some(first) = got.first() else {
            self.in_doubt = true;
            return Err(lost_of(answers));
        };
        assert!(
            got.iter().all(|other| other == first),
            "one refresh token got different answers: {got:?}"
        );
        self.in_doubt = false;
        self.access.push(first.access.clone());
        self.refresh.clone_from(&first.refresh);
        Ok(())
    }
}

fn lost_of(answers: &[Answer]) -> Lost {
    let lost = answers.iter().filter_map(|answer| answer.as_ref().err());
    *lost.last().expect("without any answer one was lost")
}
