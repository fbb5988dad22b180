//! `sidestep self-test`: Windows' own readers beside Sidestep's, in a service's account.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sidestep_machine::{
    LiveStore, SelfTest, Store, StoreError, apply, connections, count_payload, dotnet_routes,
    own_sid, payload, running_services, serve_self_test, windows_version, winhttp_settings,
    wininet_settings,
};
use sidestep_model::account::{Account, Sid};
use sidestep_model::catalogue::Catalogue;
use sidestep_model::desired::{Clear, Desired};
use sidestep_model::finding::{Code, Effect};
use sidestep_model::journal::Command;
use sidestep_model::plan::Plan;
use sidestep_model::self_test::{
    Answer, Difference, Question, SERVICE, State, Subject, Told, Verdict, judge, urls,
};
use sidestep_model::site::{ProxyAddress, ProxyMode, SAMPLE, Site};
use sidestep_model::tcp_table::Row;

use crate::at;
use crate::error::{CommandError, Exit, chain};
use crate::output::Printer;
use crate::prose;
use crate::render::{findings_text, plural, table};

/// The hidden verb that the service is installed with.
const SERVE: &str = "self-test-service";

/// What was looked at, and what came of it.
type States = Vec<(Subject, State)>;

pub(crate) fn run(printer: Printer) -> Result<Exit, CommandError> {
    LiveStore::open().map_err(here)?.may_change(&[])?;
    if !printer.confirm(prose::self_test::QUESTION)? {
        return Ok(Exit::Interrupted);
    }
    let (proxy, connected) = stand_in().map_err(|error| {
        let message = format!("cannot listen on 127.0.0.1: {error}");
        CommandError::new(Exit::Environment, Code::SELF_TEST_UNUSABLE, message)
    })?;
    let test = SelfTest::start(&[SERVE])?;
    let had_leftovers = test.had_leftovers();
    let tested = tested(&test, proxy, &connected);
    let removed = test.remove();
    let mut states = match (tested, &removed) {
        (Ok(states), _) => states,
        (Err(error), Ok(())) => return Err(error),
        (Err(error), Err(stays)) => {
            let hint = format!(
                "it could not be removed either: {}; the next self-test tries again",
                chain(stays)
            );
            return Err(error.hint(&hint));
        }
    };
    states.push((
        Subject::Removal,
        match removed {
            Ok(()) => State::Agrees { observations: 1 },
            Err(error) => against("that nothing stays behind", "removed", &chain(&error)),
        },
    ));
    let verdict = Verdict::of(states.iter().map(|(_, state)| state));
    if printer.json {
        printer.document(&document(&states, verdict, had_leftovers))?;
    } else {
        printer.text(&text(&states, verdict, had_leftovers))?;
    }
    Ok(match verdict {
        Verdict::Agrees => Exit::Done,
        Verdict::Disagrees => Exit::Failed,
        Verdict::Incomplete => Exit::Environment,
    })
}

/// No file stands in for the Windows that is asked.
fn here(error: StoreError) -> CommandError {
    match error {
        StoreError::NotWindows => {
            CommandError::new(Exit::Environment, Code::NOT_WINDOWS, chain(&error))
                .hint("run it on the server itself: what its own Windows says is what is asked")
        }
        error => error.into(),
    }
}

/// Something on loopback that takes connections and keeps them, as a proxy would.
fn stand_in() -> io::Result<(SocketAddr, Receiver<TcpStream>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let (send, connected) = mpsc::channel();
    thread::spawn(move || {
        let mut streams = listener.incoming().flatten();
        // Until the test is over.
        streams.all(|stream| send.send(stream).is_ok())
    });
    Ok((address, connected))
}

/// Writes the account's settings, asks the service, and judges what it says.
fn tested(
    test: &SelfTest,
    proxy: SocketAddr,
    connected: &Receiver<TcpStream>,
) -> Result<States, CommandError> {
    let mut store = test.settings();
    let observed = store.read()?;
    if !observed.plugin.exists {
        let message = format!(
            r"Windows started the service and did not load the registry of NT SERVICE\{SERVICE}"
        );
        return Err(
            CommandError::new(Exit::Environment, Code::SELF_TEST_UNLOADED, message)
                .hint("look in the event log for the User Profile Service at this time"),
        );
    }
    let site = site(proxy)?;
    let catalogue = Catalogue::of(site.azure.cloud);
    let clear = Clear {
        auto_detect: true,
        script: true,
    };
    let desired = Desired::of(Account::Plugin, catalogue, &site, &observed, clear);
    let plan = Plan::diff(&observed, desired);
    if Effect::of(&plan.findings) != Effect::GoOn {
        let message = findings_text(&plan.findings);
        return Err(CommandError::new(
            Exit::Environment,
            Code::SELF_TEST_UNUSABLE,
            message,
        ));
    }
    let journal = at::journal(&store)?;
    let mut run = journal.begin(Command::Apply, &store.place())?;
    apply(&[plan], &mut store, &mut run, &mut |_| {})?;

    let question = Question {
        connect: proxy,
        urls: urls(catalogue),
    };
    let written = store.read()?.plugin.settings();
    let written = written.map_err(|error| unusable(&error))?;
    let asked = serde_json::to_string(&question).map_err(|error| unusable(&error))?;
    let answer: Answer =
        serde_json::from_str(&test.ask(&asked)?).map_err(|error| unusable(&error))?;
    let sid = Sid::of_service(SERVICE);
    let mut states = judge(sid.as_str(), &written, &question, &answer);
    let (seen, carried) = match seen(test, proxy, &answer.connected) {
        Ok(row) => (State::Agrees { observations: 1 }, carried(&row, connected)),
        Err(state) => (state, not_asked("the connection was not seen")),
    };
    states.extend([(Subject::TcpTable, seen), (Subject::Payload, carried)]);
    Ok(states)
}

fn unusable(error: &dyn std::error::Error) -> CommandError {
    CommandError::new(Exit::Environment, Code::SELF_TEST_UNUSABLE, chain(error))
}

/// The sample's site with the stand-in for a proxy.
fn site(proxy: SocketAddr) -> Result<Site, CommandError> {
    let bug = |error: &dyn std::fmt::Display| {
        CommandError::new(Exit::Bug, Code::SITE_INVALID, error.to_string())
    };
    let mut site = Site::parse(SAMPLE).map_err(|_| bug(&"the sample does not parse"))?;
    let proxy = ProxyAddress::parse(&proxy.to_string()).map_err(|error| bug(&error))?;
    site.proxy.mode = ProxyMode::Set;
    site.proxy.server = Some(proxy);
    Ok(site)
}

fn not_asked(reason: &str) -> State {
    State::NotAsked {
        reason: reason.to_owned(),
    }
}

/// The connection to the stand-in, if the table says that it is the service's.
fn seen(test: &SelfTest, proxy: SocketAddr, connected: &Told<()>) -> Result<Row, State> {
    if let Told::Nothing(reason) = connected {
        return Err(not_asked(&format!(
            "the service could not connect: {reason}"
        )));
    }
    let looked = connections().and_then(|rows| Ok((rows, running_services(SERVICE)?)));
    let (rows, services) = looked.map_err(|error| not_asked(&error.to_string()))?;
    let to_proxy: Vec<&Row> = rows.iter().filter(|row| row.remote == proxy).collect();
    let process = services.first().map(|service| service.process);
    let owner = to_proxy.first().map(|row| row.process);
    if let [row] = *to_proxy
        && process == Some(test.process())
        && owner == process
    {
        return Ok(*row);
    }
    let shown =
        |process: Option<u32>| process.map_or_else(|| "none".to_owned(), |one| one.to_string());
    Err(against(
        "the process of the connection to the stand-in for a proxy",
        &format!(
            "{}, by the service manager {}",
            test.process(),
            shown(process)
        ),
        &format!(
            "{} of {}",
            shown(owner),
            plural(to_proxy.len() as u64, "row", "rows")
        ),
    ))
}

/// Whether Windows counts what the stand-in sends over that connection.
fn carried(row: &Row, connected: &Receiver<TcpStream>) -> State {
    /// Fits into one segment of loopback, and into any buffer.
    const SENT: u64 = 4096;
    /// What was received is counted when it is acknowledged, which may wait a while.
    const DEADLINE: Duration = Duration::from_secs(3);
    const PAUSE: Duration = Duration::from_millis(50);
    let before = match count_payload(row) {
        Ok(before) => before,
        Err(error) => return not_asked(&format!("Windows does not count it: {error}")),
    };
    let is_its = |stream: &TcpStream| stream.peer_addr().ok() == Some(row.local);
    let Some(mut stream) = connected.try_iter().find(is_its) else {
        return not_asked("the stand-in has no such connection");
    };
    let block = vec![0; usize::try_from(SENT).unwrap_or_default()];
    if let Err(error) = stream.write_all(&block) {
        return not_asked(&format!("the stand-in cannot send: {error}"));
    }
    let begin = Instant::now();
    loop {
        let seen = match payload(row) {
            Ok(now) => now.saturating_sub(before),
            Err(error) => return not_asked(&format!("Windows does not tell it: {error}")),
        };
        if seen == SENT {
            return State::Agrees { observations: 1 };
        }
        if begin.elapsed() >= DEADLINE {
            let asked = "the bytes that the connection carried";
            return against(asked, &SENT.to_string(), &seen.to_string());
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "Windows' counters announce nothing"
        )]
        thread::sleep(PAUSE);
    }
}

fn against(asked: &str, expected: &str, seen: &str) -> State {
    State::Disagrees {
        observations: 1,
        against: vec![Difference {
            asked: asked.to_owned(),
            expected: expected.to_owned(),
            seen: seen.to_owned(),
        }],
    }
}

fn document(states: &States, verdict: Verdict, had_leftovers: bool) -> Value {
    let checks: Vec<Value> = states
        .iter()
        .map(|(subject, state)| {
            let mut check = json!({ "check": subject });
            if let (Value::Object(check), Ok(Value::Object(state))) =
                (&mut check, serde_json::to_value(state))
            {
                check.extend(state);
            }
            check
        })
        .collect();
    json!({
        "sidestep": env!("CARGO_PKG_VERSION"),
        "windows": windows_version(),
        "verdict": verdict,
        "leftovers_removed": had_leftovers,
        "checks": checks,
    })
}

fn text(states: &States, verdict: Verdict, had_leftovers: bool) -> String {
    let mut rows = table(&["What", "Seen", ""]);
    let mut differences = Vec::new();
    for (subject, state) in states {
        let (result, detail) = match state {
            State::Agrees { observations } => (
                "agrees",
                plural(*observations as u64, "observation", "observations"),
            ),
            State::Disagrees {
                observations,
                against,
            } => {
                differences.extend(against.iter().map(|one| {
                    format!(
                        "{}\n  predicted  {}\n  seen       {}",
                        one.asked, one.expected, one.seen
                    )
                }));
                let against = against.len();
                ("DISAGREES", format!("{against} of {observations}"))
            }
            State::NotAsked { reason } => ("not asked", reason.clone()),
        };
        rows.add_row(vec![
            prose::self_test::subject(*subject).to_owned(),
            result.to_owned(),
            detail,
        ]);
    }
    let windows = windows_version().unwrap_or_else(|| "an unknown Windows".to_owned());
    let mut parts = vec![
        format!(
            "Self-test of sidestep {} on {windows}",
            env!("CARGO_PKG_VERSION")
        ),
        rows.trim_fmt(),
    ];
    parts.extend(differences);
    if had_leftovers {
        parts.push(prose::self_test::LEFTOVERS.to_owned());
    }
    parts.push(prose::self_test::REPORT.to_owned());
    parts.push(format!("verdict: {}", prose::self_test::verdict(verdict)));
    format!("{}\n", parts.join("\n\n"))
}

/// What the service itself does; only the service manager starts it.
pub(crate) fn serve() -> Result<Exit, CommandError> {
    serve_self_test(answer).map_err(|error| {
        let message = format!("only Windows' service manager starts this: {error}");
        CommandError::new(Exit::Environment, Code::SELF_TEST_UNUSABLE, message)
            .hint("`sidestep self-test` is what a person starts")
    })?;
    Ok(Exit::Done)
}

/// Answers a question, in the service and so as its account.
fn answer(question: &str) -> String {
    /// The stand-in listens on this computer.
    const DEADLINE: Duration = Duration::from_secs(5);
    /// The connection stays as long as the service does.
    static CONNECTION: OnceLock<TcpStream> = OnceLock::new();
    let Ok(question) = serde_json::from_str::<Question>(question) else {
        return String::new();
    };
    let connected = TcpStream::connect_timeout(&question.connect, DEADLINE).map(|stream| {
        CONNECTION.get_or_init(|| stream);
    });
    let dotnet = dotnet_routes(&question.urls).and_then(|routes| match routes.as_slice() {
        [] => Err(io::Error::other("Windows PowerShell gives no answer")),
        _ => Ok(routes),
    });
    let answer = Answer {
        sid: told(own_sid()),
        wininet: told(wininet_settings()),
        winhttp: told(winhttp_settings()),
        dotnet: told(dotnet),
        connected: told(connected),
    };
    serde_json::to_string(&answer).unwrap_or_default()
}

fn told<T>(said: io::Result<T>) -> Told<T> {
    match said {
        Ok(said) => Told::Said(said),
        Err(error) => Told::Nothing(error.to_string()),
    }
}
