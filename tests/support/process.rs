//! Programs that a test starts and that end with it.

use std::env;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

const READY: &str = "listening on ";
const START_LIMIT: Duration = Duration::from_secs(20);
const END_LIMIT: Duration = Duration::from_secs(20);

/// A running program; dropping it kills the program.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    output: Output,
}

impl Process {
    /// Starts `command` without input; `name` is what failures call it.
    ///
    /// Panics if it cannot be started.
    pub(crate) fn spawn(name: &str, mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let (sender, lines) = mpsc::unbounded_channel();
        let output = Output::default();
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = child.stderr.take().expect("standard error is piped");
        tokio::spawn(collect(stdout, output.clone(), Some(sender)));
        tokio::spawn(collect(stderr, output.clone(), None));
        Self {
            name: name.to_owned(),
            child,
            lines,
            output,
        }
    }

    /// Starts `command` and waits for its line `listening on …`; also gives the
    /// rest of that line.
    ///
    /// Panics with what the program printed if the line does not come in time.
    pub(crate) async fn start(name: &str, command: Command) -> (Self, String) {
        let mut process = Self::spawn(name, command);
        let address = process
            .find_line(START_LIMIT, |line| {
                line.strip_prefix(READY).map(|rest| rest.trim().to_owned())
            })
            .await;
        (process, address)
    }

    /// Reads standard output until `find` gives something for a line.
    ///
    /// Panics with what the program printed if no line does within `limit`.
    pub(crate) async fn find_line<T>(
        &mut self,
        limit: Duration,
        mut find: impl FnMut(&str) -> Option<T>,
    ) -> T {
        let search = async {
            while let Some(line) = self.lines.recv().await {
                let found = find(&line);
                if found.is_some() {
                    return found;
                }
            }
            None
        };
        let failure = match timeout(limit, search).await {
            Ok(Some(found)) => return found,
            Ok(None) => "ended its output",
            Err(_) => "took too long",
        };
        panic!(
            "{} {failure} before the expected line; it printed:\n{}",
            self.name,
            self.output()
        );
    }

    /// Everything the program printed so far, both streams in order of arrival.
    pub(crate) fn output(&self) -> String {
        self.output.text()
    }

    /// Waits for the program to end by itself.
    ///
    /// Panics with what the program printed if it does not end in time.
    pub(crate) async fn wait(&mut self) -> ExitStatus {
        let Ok(status) = timeout(END_LIMIT, self.child.wait()).await else {
            panic!("{} did not end; it printed:\n{}", self.name, self.output());
        };
        // What it printed last may still be in the pipe: the channel closes behind it.
        let drained = async { while self.lines.recv().await.is_some() {} };
        let _late = timeout(END_LIMIT, drained).await;
        status.expect("a child of this process can be waited for")
    }

    /// Asks the program to shut down (SIGTERM) and waits for it.
    ///
    /// Panics with what the program printed if it does not end in time.
    pub(crate) async fn terminate(self) -> ExitStatus {
        self.signal("TERM").await
    }

    /// Sends a signal that ends the program and waits for it.
    ///
    /// Panics with what the program printed if it does not end in time.
    pub(crate) async fn signal(mut self, name: &str) -> ExitStatus {
        let id = self.child.id().expect("the program is still running");
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id.to_string()])
            .status()
            .await
            .expect("`kill` can be started");
        assert!(sent.success(), "cannot signal {}", self.name);
        self.wait().await
    }

    /// Kills the program (SIGKILL), wherever it is just now.
    pub(crate) async fn kill(mut self) {
        let killed = self.child.kill().await;
        killed.expect("a child of this process can be killed");
    }
}

#[derive(Clone, Debug, Default)]
struct Output(Arc<Mutex<String>>);

impl Output {
    fn push(&self, line: &str) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(line);
        text.push('\n');
    }

    fn text(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn collect(
    stream: impl AsyncRead + Unpin,
    output: Output,
    sender: Option<mpsc::UnboundedSender<String>>,
) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        output.push(&line);
        if let Some(sender) = &sender {
            // Nobody may be reading any more; the program must not block on that.
            let _unread = sender.send(line);
        }
    }
}

/// A command for the example `name`, built beside the running test.
///
/// Panics if it has not been built.
pub(crate) fn example(name: &str) -> Command {
    let path = examples_folder().join(name);
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --examples --all-features`",
        path.display()
    );
    Command::new(path)
}

fn examples_folder() -> PathBuf {
    let test = env::current_exe().expect("a test knows its own path");
    test.ancestors()
        .nth(2)
        .expect("a test lies in target/PROFILE/deps")
        .join("examples")
}

/// A port of 127.0.0.1 that was free a moment ago, and that Linux gives to no
/// connection by itself: it stays ours while a program is started again.
pub(crate) fn lasting_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    let nanos = std::time::UNIX_EPOCH
        .elapsed()
        .map_or(0, |now| now.subsec_nanos());
    let begin = u16::try_from(nanos / 1000 % u32::from(COUNT)).expect("it is below the count");
    (0..COUNT)
        .map(|step| FIRST + (begin + step) % COUNT)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("the loopback interface has a free port")
}

/// A port of 127.0.0.1 that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("the loopback interface has a free port")
        .port()
}
