//! What can be said of Azure and of the databases in it: `SS5xx` and `SS6xx`.

use std::time::Duration;

use super::{Effect, Severity};

/// Something found in Azure, or that Azure said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AzureFinding {
    /// SS501: Azure reports that something failed, and nothing here explains it.
    BackupFailed {
        /// Azure's own code.
        azure_code: String,
        /// Azure's or the extension's own words.
        detail: String,
    },
    /// SS503: something was registered with the vault, or tried to be, before
    /// it had an endpoint.
    VaultNotEmpty {
        /// The vault's name.
        vault: String,
        /// What is registered.
        registered: Vec<String>,
    },
    /// SS504: a step that cannot be taken back was not agreed to.
    NotConfirmed {
        /// Which machine was to be registered.
        vm: String,
    },
    /// SS505: the vault is not there, and the site does not say to make it.
    VaultMissing {
        /// The vault's name.
        vault: String,
        /// Where it was looked for.
        resource_group: String,
    },
    /// SS506: vault, endpoint and machine have to be in one region.
    RegionDiffers {
        /// What is elsewhere.
        what: String,
        /// Its region.
        region: String,
        /// The site's.
        wanted: String,
    },
    /// SS507: the private endpoint of that name leads to something else.
    EndpointOfAnother {
        /// The endpoint's name.
        endpoint: String,
        /// What it leads to.
        target: String,
    },
    /// SS508: a vault takes twelve private endpoints.
    TooManyEndpoints {
        /// How many it has.
        count: usize,
    },
    /// SS509: the subnet cannot hold the endpoint.
    SubnetUnfit {
        /// The subnet.
        subnet: String,
        /// Addresses that are free in it; `None` where it does not exist.
        free: Option<u64>,
    },
    /// SS510: there is nothing to sign in with.
    CredentialMissing {
        /// What was tried.
        credential: String,
        /// What it said.
        detail: String,
    },
    /// SS511: Entra ID does not accept the credential, or no longer.
    SignInRejected {
        /// What was tried.
        credential: String,
        /// Entra's code, `AADSTS…`.
        code: Option<String>,
        /// What it said.
        detail: String,
    },
    /// SS512: no way leads to where one signs in.
    SignInUnreachable {
        /// The host.
        host: String,
        /// How it was tried: directly, or by which proxy.
        route: String,
        /// What happened.
        detail: String,
    },
    /// SS513: no way leads to Azure Resource Manager.
    Unreachable {
        /// The host.
        host: String,
        /// How it was tried: directly, or by which proxy.
        route: String,
        /// What happened.
        detail: String,
    },
    /// SS514: Azure refuses a request.
    Refused {
        /// What was asked for.
        doing: String,
        /// The HTTP status.
        status: u16,
        /// Azure's own code.
        code: String,
        /// Azure's own words.
        message: String,
    },
    /// SS515: whoever is signed in may not do that.
    PermissionMissing {
        /// What was asked for.
        doing: String,
        /// The permission, as `Microsoft.Network/privateEndpoints/write`.
        action: String,
        /// Where.
        scope: String,
    },
    /// SS516: Azure does not offer the machine for registration.
    VmNotOffered {
        /// The machine's name.
        vm: String,
    },
    /// SS517: the vault has no policy of that name.
    PolicyMissing {
        /// The site's.
        policy: String,
        /// The vault's.
        known: Vec<String>,
    },
    /// SS518: the database's backups were deleted and are kept for a while; it
    /// cannot be protected before that is undone.
    SoftDeleted {
        /// `INSTANCE/database`.
        database: String,
    },
    /// SS519: Azure began something and it failed.
    OperationFailed {
        /// What was asked for.
        doing: String,
        /// Azure's own code.
        code: String,
        /// Azure's own words.
        message: String,
    },
    /// SS520: something does not come to its end.
    TimedOut {
        /// What was asked for.
        doing: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// SS521: an answer that is not what Azure documents.
    Unreadable {
        /// What was asked for.
        doing: String,
        /// What is wrong with it.
        detail: String,
    },
    /// SS522: a backup was ordered, the answer was lost, and which job it became
    /// cannot be told.
    BackupAmbiguous {
        /// `INSTANCE/database`.
        database: String,
        /// The jobs that it could be.
        jobs: Vec<String>,
    },
    /// SS523: the vault's owner has not approved the endpoint's connection.
    ApprovalPending {
        /// The endpoint's name.
        endpoint: String,
        /// The connection's state.
        status: String,
    },
    /// SS524: Azure could not make the endpoint.
    EndpointFailed {
        /// The endpoint's name.
        endpoint: String,
        /// Its state.
        state: String,
    },
    /// SS525: the vault has no private endpoint.
    EndpointMissing {
        /// The site's name of it.
        endpoint: String,
    },
    /// SS526: whether a registration brought the plugin's account was not looked
    /// at, because the machine's settings are not at hand.
    AccountUnseen,
    /// SS527: the ways behind a failure were not tried, because the machine's
    /// settings are not at hand.
    WaysUntried,
    /// SS528: a further machine of the site: it is registered, but its accounts'
    /// settings are its own.
    OtherMachine {
        /// The machine's name.
        vm: String,
    },
    /// SS601: a database's name with which Azure configures no protection.
    DatabaseNameUnfit {
        /// `INSTANCE/database`.
        database: String,
        /// The characters that it refuses.
        characters: String,
    },
    /// SS602: the site names no database to protect.
    NothingChosen {
        /// What is offered.
        offered: Vec<String>,
    },
    /// SS603: a pattern of the site means none of the databases that Azure found.
    PatternMatchesNothing {
        /// The pattern.
        pattern: String,
        /// What is offered.
        offered: Vec<String>,
    },
    /// SS604: the database whose backup proves the path is not protected.
    NotProtected {
        /// `INSTANCE/database`.
        database: String,
    },
}

impl AzureFinding {
    pub(super) fn code(&self) -> u16 {
        match self {
            Self::BackupFailed { .. } => 501,
            Self::VaultNotEmpty { .. } => 503,
            Self::NotConfirmed { .. } => 504,
            Self::VaultMissing { .. } => 505,
            Self::RegionDiffers { .. } => 506,
            Self::EndpointOfAnother { .. } => 507,
            Self::TooManyEndpoints { .. } => 508,
            Self::SubnetUnfit { .. } => 509,
            Self::CredentialMissing { .. } => 510,
            Self::SignInRejected { .. } => 511,
            Self::SignInUnreachable { .. } => 512,
            Self::Unreachable { .. } => 513,
            Self::Refused { .. } => 514,
            Self::PermissionMissing { .. } => 515,
            Self::VmNotOffered { .. } => 516,
            Self::PolicyMissing { .. } => 517,
            Self::SoftDeleted { .. } => 518,
            Self::OperationFailed { .. } => 519,
            Self::TimedOut { .. } => 520,
            Self::Unreadable { .. } => 521,
            Self::BackupAmbiguous { .. } => 522,
            Self::ApprovalPending { .. } => 523,
            Self::EndpointFailed { .. } => 524,
            Self::EndpointMissing { .. } => 525,
            Self::AccountUnseen => 526,
            Self::WaysUntried => 527,
            Self::OtherMachine { .. } => 528,
            Self::DatabaseNameUnfit { .. } => 601,
            Self::NothingChosen { .. } => 602,
            Self::PatternMatchesNothing { .. } => 603,
            Self::NotProtected { .. } => 604,
        }
    }

    pub(super) fn severity(&self) -> Severity {
        match self {
            Self::DatabaseNameUnfit { .. } => Severity::Warning,
            Self::AccountUnseen | Self::OtherMachine { .. } | Self::WaysUntried => Severity::Note,
            _ => Severity::Error,
        }
    }

    pub(super) fn effect(&self) -> Effect {
        match self {
            Self::DatabaseNameUnfit { .. }
            | Self::AccountUnseen
            | Self::OtherMachine { .. }
            | Self::WaysUntried => Effect::GoOn,
            Self::BackupFailed { .. } => Effect::Fail,
            Self::NotConfirmed { .. } | Self::BackupAmbiguous { .. } => Effect::RefuseData,
            Self::Refused { .. }
            | Self::PermissionMissing { .. }
            | Self::OperationFailed { .. }
            | Self::TimedOut { .. }
            | Self::Unreadable { .. }
            | Self::EndpointFailed { .. } => Effect::AzureRefuses,
            Self::VaultNotEmpty { .. }
            | Self::VaultMissing { .. }
            | Self::RegionDiffers { .. }
            | Self::EndpointOfAnother { .. }
            | Self::TooManyEndpoints { .. }
            | Self::SubnetUnfit { .. }
            | Self::CredentialMissing { .. }
            | Self::SignInRejected { .. }
            | Self::SignInUnreachable { .. }
            | Self::Unreachable { .. }
            | Self::VmNotOffered { .. }
            | Self::PolicyMissing { .. }
            | Self::SoftDeleted { .. }
            | Self::ApprovalPending { .. }
            | Self::EndpointMissing { .. }
            | Self::NothingChosen { .. }
            | Self::PatternMatchesNothing { .. }
            | Self::NotProtected { .. } => Effect::RefuseEnvironment,
        }
    }

    /// What the finding says of itself in a list, where that is a host.
    pub(super) fn endpoint(&self) -> Option<&str> {
        match self {
            Self::SignInUnreachable { host, .. } | Self::Unreachable { host, .. } => Some(host),
            _ => None,
        }
    }
}
