//! Windows' table of TCP connections.

use std::ffi::c_void;
use std::io;

use sidestep_model::tcp_table::{Counted, Row};
use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, NO_ERROR};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GetExtendedTcpTable, TCP_TABLE_CLASS, TCP_TABLE_OWNER_PID_CONNECTIONS,
};
use windows_sys::Win32::Networking::WinSock::{ADDRESS_FAMILY, AF_INET, AF_INET6};
use windows_sys::core::BOOL;

use super::library::on_demand;

/// The connections that are made now, of IPv4 and of IPv6, and whose they are.
pub fn connections() -> io::Result<Vec<Row>> {
    rows(Counted::Made)
}

/// The same, and those that are tried.
pub fn attempts() -> io::Result<Vec<Row>> {
    rows(Counted::Tried)
}

fn rows(counted: Counted) -> io::Result<Vec<Row>> {
    let mut rows = Row::of_v4(&table(AF_INET)?, counted);
    rows.extend(Row::of_v6(&table(AF_INET6)?, counted));
    Ok(rows)
}

/// The table of one family, in its words.
#[expect(unsafe_code, reason = "Windows' own function")]
fn table(family: ADDRESS_FAMILY) -> io::Result<Vec<u32>> {
    /// It can grow between being asked for its size and being read.
    const TRIES: usize = 8;
    type Table =
        unsafe extern "system" fn(*mut c_void, *mut u32, BOOL, u32, TCP_TABLE_CLASS, u32) -> u32;
    let table = on_demand!("iphlpapi.dll", GetExtendedTcpTable: Table)?;
    let mut words: Vec<u32> = vec![0; 4096];
    for _ in 0..TRIES {
        let mut size = u32::try_from(words.len() * 4).map_err(io::Error::other)?;
        // SAFETY: `words` has `size` bytes, aligned as the table's words are, and
        // Windows writes no more than that; `size` is a place for what it needs.
        let error = unsafe {
            table(
                words.as_mut_ptr().cast(),
                &raw mut size,
                0,
                family.into(),
                TCP_TABLE_OWNER_PID_CONNECTIONS,
                0,
            )
        };
        match error {
            NO_ERROR => return Ok(words),
            ERROR_INSUFFICIENT_BUFFER => {
                let needed = usize::try_from(size).map_err(io::Error::other)? / 4;
                words = vec![0; needed + 1024];
            }
            error => return Err(io::Error::from_raw_os_error(error.cast_signed())),
        }
    }
    Err(io::Error::other("the table of connections keeps growing"))
}
