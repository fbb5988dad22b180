//! The person in front of the program.

use sidestep_flow::Person;
use sidestep_model::site::Database;

use crate::output::Printer;

/// Asks at the terminal. Where nobody can be asked, only `--yes` agrees to what
/// cannot be taken back, and no database is chosen.
pub(crate) struct AtTerminal {
    pub(crate) printer: Printer,
}

impl Person for AtTerminal {
    fn agrees_to_register(&mut self, vm: &str, endpoints: usize) -> bool {
        let so_far = match endpoints {
            0 => "it has none".to_owned(),
            1 => "it has one".to_owned(),
            count => format!("it has {count}"),
        };
        self.printer.confirm_irrevocable(&format!(
            "\nRegister {vm} with the vault? From then on the vault can never get its first private \
             endpoint ({so_far})."
        ))
    }

    fn choose(&mut self, offered: &[Database]) -> Vec<Database> {
        let names: Vec<String> = offered.iter().map(ToString::to_string).collect();
        let chosen = self
            .printer
            .choose("Which databases shall be protected?", &names);
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
