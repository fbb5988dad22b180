//! What a self-test says.

use sidestep_model::self_test::{Subject, Verdict};

pub(crate) const QUESTION: &str = "\
This installs a temporary service, SidestepSelfTest, writes the proxy settings of its own account, \
asks Windows' readers inside it, and removes it again. Go on?";

pub(crate) const LEFTOVERS: &str = "an interrupted self-test had left something behind; it is gone";

pub(crate) const REPORT: &str = "\
Please send this report back. The hosts in it are the public catalogue's, and the proxy is a \
listener of the test's own; where a reader was told something else, as by a policy of your \
company, that stands in it, without passwords: look it through first.";

pub(crate) fn subject(subject: Subject) -> &'static str {
    match subject {
        Subject::Account => "the account's SID is the one derived from its name",
        Subject::Wininet => "WinINet gives the account what was written",
        Subject::Winhttp => "WinHTTP gives the account what was written",
        Subject::DotnetFramework => ".NET Framework goes by the way that `route` says",
        Subject::TcpTable => "a connection of the service is seen as its own",
        Subject::Payload => "what that connection carries is counted",
        Subject::Removal => "service, profile and files are removed",
    }
}

pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agrees => "this Windows agrees with what Sidestep predicts",
        Verdict::Disagrees => "this Windows does otherwise than Sidestep predicts",
        Verdict::Incomplete => {
            "nothing speaks against what Sidestep predicts, but not everything was asked"
        }
    }
}
