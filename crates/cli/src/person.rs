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
    fn agrees_to_register(&mut self, vm: &str, endpoints: usize) -> bool {
        let so_far = match endpoints {
            0 => "it has none".to_owned(),
            1 => "it has one".to_owned(),
            count => format!("it has {count}"),
        };
        let question = format!(
            "\nRegister {vm} with the vault? From then on the vault can never get its first private \
             endpoint ({so_far})."
        );
        let printer = self.printer;
        self.live.aside(|| printer.confirm_irrevocable(&question))
    }

    fn choose(&mut self, offered: &[Database]) -> Vec<Database> {
        let names: Vec<String> = offered.iter().map(ToString::to_string).collect();
        let question = "Which databases shall be protected?";
        let printer = self.printer;
        let chosen = self.live.aside(|| printer.choose(question, &names));
        let chosen = chosen.into_iter().filter_map(|index| offered.get(index));
        chosen.cloned().collect()
    }
}

/// Agrees to everything: in a rehearsal nothing is real.
pub(crate) struct Rehearsing;

impl Person for Rehearsing {
    fn agrees_to_register(&mut self, _vm: &str, _endpoints: usize) -> bool {
        true
    }

    fn choose(&mut self, offered: &[Database]) -> Vec<Database> {
        offered.to_vec()
    }
}
