//! Requests as ARM takes them, and lists with their further pages.

use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::answer::{accepted, found, read};
use crate::arm_id::ArmId;
use crate::client::{Azure, Call};
use crate::error::AzureError;
use crate::operation;

/// Recovery Services vaults: `vaults.json`.
pub(crate) const VAULTS: &str = "2024-04-01";
/// Azure Backup: `bms.json`.
pub(crate) const BACKUP: &str = "2024-04-01";
/// Virtual networks and private endpoints.
pub(crate) const NETWORK: &str = "2024-01-01";
/// Private DNS zones.
pub(crate) const PRIVATE_DNS: &str = "2024-06-01";
/// Virtual machines.
pub(crate) const COMPUTE: &str = "2024-07-01";

/// A list that goes on longer leads in a circle: ARM's pages hold a hundred
/// entries and more.
const MOST_PAGES: usize = 1000;

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default = "Vec::new")]
    value: Vec<T>,
    #[serde(default, rename = "nextLink")]
    next_link: Option<String>,
}

impl Azure {
    /// The URL of a path, whose segments are encoded as `az` does: `;` too.
    pub(crate) fn url<'a>(
        &self,
        segments: impl IntoIterator<Item = &'a str>,
        version: &str,
        filter: Option<&str>,
    ) -> Url {
        let mut path = String::new();
        for segment in segments {
            path.push('/');
            path.push_str(&encoded(segment));
        }
        let mut query = format!("api-version={version}");
        if let Some(filter) = filter {
            query.push_str("&$filter=");
            query.push_str(&encoded(filter));
        }
        let mut url = self.base().clone();
        url.set_path(&path);
        url.set_query(Some(&query));
        url
    }

    /// The URL of a resource.
    pub(crate) fn url_of(&self, id: &ArmId, version: &str) -> Url {
        self.url(id.segments(), version, None)
    }

    /// The URL of something below a resource, as `backupFabrics/Azure/refreshContainers`.
    pub(crate) fn url_below(
        &self,
        id: &ArmId,
        path: &str,
        version: &str,
        filter: Option<&str>,
    ) -> Url {
        self.url(id.segments().chain(path.split('/')), version, filter)
    }

    /// Reads a resource; `None` where there is none.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        url: Url,
    ) -> Result<Option<T>, AzureError> {
        let reply = self.send(&Call::new(doing, Method::GET, url)).await?;
        found(doing, reply)?
            .map(|reply| read(doing, &reply))
            .transpose()
    }

    /// Reads a resource that must be there.
    pub(crate) async fn get_there<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        url: Url,
    ) -> Result<T, AzureError> {
        let reply = self.send(&Call::new(doing, Method::GET, url)).await?;
        read(doing, &accepted(doing, reply)?)
    }

    /// Writes a resource, waits until that is done, and reads it: out of the
    /// answer where it was done at once.
    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        url: Url,
        body: Value,
    ) -> Result<T, AzureError> {
        let call = Call::new(doing, Method::PUT, url.clone()).with(body);
        let reply = accepted(doing, self.send(&call).await?)?;
        if reply.status == StatusCode::OK && !operation::is_begun_by(&reply) {
            return read(doing, &reply);
        }
        self.follow_status(doing, reply).await?;
        self.get_there(doing, url).await
    }

    /// Reads a list to its end.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        url: Url,
    ) -> Result<Vec<T>, AzureError> {
        let mut all = Vec::new();
        let mut url = url;
        for _ in 0..MOST_PAGES {
            let reply = self
                .send(&Call::new(doing, Method::GET, url.clone()))
                .await?;
            let page: Page<T> = read(doing, &accepted(doing, reply)?)?;
            all.extend(page.value);
            let Some(next) = page.next_link.filter(|next| !next.is_empty()) else {
                return Ok(all);
            };
            let next = self.own(doing, &next)?;
            if next == url {
                break;
            }
            url = next;
        }
        Err(AzureError::Unreadable {
            doing,
            detail: "the list does not end".to_owned(),
        })
    }

    /// A URL out of an answer, taken as it is; it must be ARM's own.
    pub(crate) fn own(&self, doing: &'static str, text: &str) -> Result<Url, AzureError> {
        let url = self.base().join(text).map_err(|_| AzureError::Unreadable {
            doing,
            detail: "it leads to what is no address".to_owned(),
        })?;
        if url.origin() == self.base().origin() {
            Ok(url)
        } else {
            Err(AzureError::ForeignAddress {
                doing,
                host: url.host_str().unwrap_or_default().to_owned(),
            })
        }
    }
}

/// Everything but letters, digits and `-._~` as `%XX`.
fn encoded(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_as_az_does() {
        assert_eq!(
            encoded("SQLDataBase;mssqlserver;a b/c?d#e%ü"),
            "SQLDataBase%3Bmssqlserver%3Ba%20b%2Fc%3Fd%23e%25%C3%BC"
        );
    }
}
