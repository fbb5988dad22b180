//! A computer that has no such settings.

use std::path::PathBuf;

use sidestep_model::account::Account;
use sidestep_model::observed::{Observed, SettingsKey};
use sidestep_model::plan::Change;

use crate::store::{Store, StoreError};

/// The registry of this computer, which has none: there is no value of this type.
#[derive(Debug)]
pub enum LiveStore {}

impl LiveStore {
    /// Whether this computer has such settings.
    pub const IS_HERE: bool = false;

    /// Opens this computer's settings, which are not there.
    pub fn open() -> Result<Self, StoreError> {
        Err(StoreError::NotWindows)
    }
}

impl Store for LiveStore {
    fn read(&self) -> Result<Observed, StoreError> {
        match *self {}
    }

    fn write(&mut self, _account: Account, _change: &Change) -> Result<(), StoreError> {
        match *self {}
    }

    fn remove_empty_key(&mut self, _account: Account, _key: SettingsKey) -> Result<(), StoreError> {
        match *self {}
    }

    fn journal_folder(&self) -> PathBuf {
        match *self {}
    }

    fn place(&self) -> String {
        match *self {}
    }
}
