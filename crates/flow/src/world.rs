//! What a run acts on.

use std::future::Future;

use sidestep_machine::Journal;
use sidestep_model::diagnosis::BackupFailure;
use sidestep_model::event::BackedUp;
use sidestep_model::evidence::Evidence;
use sidestep_model::network::Network;
use sidestep_model::site::Database;

/// Everything outside: the machine's settings, the network, the vault.
#[derive(Debug)]
pub struct World<'a, S, V, W> {
    /// The machine's proxy settings.
    pub store: &'a mut S,
    /// Where changes to them are written down first.
    pub journal: &'a Journal,
    /// The network as the virtual machine sees it.
    pub network: &'a Network,
    /// The vault that backs the machine up.
    pub vault: &'a mut V,
    /// Who sees where connections go.
    pub witness: &'a mut W,
}

/// What a run asks of the vault.
pub trait Vault {
    /// Backs `database` up now and follows the job to its end.
    fn back_up(
        &mut self,
        database: &Database,
    ) -> impl Future<Output = Result<BackedUp, BackupFailure>> + Send;
}

/// Somebody who counts the connections of the accounts.
pub trait Witness {
    /// The connections since the last call.
    fn evidence(&mut self) -> Evidence;
}
