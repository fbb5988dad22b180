//! The person in front of the program.

use sidestep_flow::Person;
use sidestep_model::site::Database;

use crate::live::Live;
use crate::output::Printer;

/// Asks at the terminal. Where nobody can be asked, only `--yes` agrees to what
/// cannot be taken back, and no database is chosen.
pub(crate) struct AtTerminal<'a> {
    pub(crate) printer: Printer,
    pub(crate) live: &'a Live,
}

impl Person for AtTerminal<'_> {
    async fn agrees_to_register(&mut self, vm: &str, endpoints: usize) -> bool {
        let so_far = match endpoints {
            0 => "and it has none".to_owned(),
            1 => "but it has one".to_owned(),
            count => format!("but it has {count}"),
        };
        let question = format!(
            "\nRegister {vm} with the vault? This cannot be taken back: from then on the vault can \
             never get a first private endpoint, {so_far}."
        );
        let (printer, live) = (self.printer, self.live.clone());
        let ask = move || live.aside(|| printer.confirm_irrevocable(&question));
        asked(ask).await.unwrap_or_default()
    }

    async fn choose(&mut self, offered: &[Database]) -> Vec<Database> {
        let names: Vec<String> = offered.iter().map(ToString::to_string).collect();
        let (printer, live) = (self.printer, self.live.clone());
        let question = "Which databases shall be protected?";
        let ask = move || live.aside(|| printer.choose(question, &names));
        let chosen = asked(ask).await.unwrap_or_default().into_iter();
        let chosen = chosen.filter_map(|index| offered.get(index));
        chosen.cloned().collect()
    }
}

/// Waits for an answer on a thread of its own, which nothing else waits for: so
/// that Ctrl-C is heard at a question too.
async fn asked<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || drop(tell.send(ask())));
    told.await.ok()
}

/// Agrees to everything: in a rehearsal nothing is real.
pub(crate) struct Rehearsing;

impl Person for Rehearsing {
    async fn agrees_to_register(&mut self, _vm: &str, _endpoints: usize) -> bool {
        true
    }

    async fn choose(&mut self, offered: &[Database]) -> Vec<Database> {
        offered.to_vec()
    }
}
