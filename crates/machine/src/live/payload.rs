//! What a connection carries, as Windows counts it once it was told to.
//!
//! By `SetPerTcpConnectionEStats` and its like (`iphlpapi.h`): only an administrator
//! may have a connection counted, and counting begins then and ends with the
//! connection. Nothing else about the connection changes.

use std::io;
use std::mem::size_of;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ptr;

use sidestep_model::tcp_table::Row;
use windows_sys::Win32::Foundation::NO_ERROR;
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GetPerTcp6ConnectionEStats, GetPerTcpConnectionEStats, MIB_TCP_STATE_ESTAB, MIB_TCP6ROW,
    MIB_TCPROW_LH, MIB_TCPROW_LH_0, SetPerTcp6ConnectionEStats, SetPerTcpConnectionEStats,
    TCP_ESTATS_DATA_ROD_v0, TCP_ESTATS_DATA_RW_v0, TCP_ESTATS_TYPE, TcpConnectionEstatsData,
};
use windows_sys::Win32::Networking::WinSock::{IN6_ADDR, IN6_ADDR_0};

use super::library::on_demand;

/// Row, kind, what is set, its version and size, nought.
type Set<R> = unsafe extern "system" fn(*const R, TCP_ESTATS_TYPE, *const u8, u32, u32, u32) -> u32;

/// Row, kind, then of three structures each place, version and size.
#[rustfmt::skip]
type Get<R> = unsafe extern "system" fn(
    *const R, TCP_ESTATS_TYPE, *mut u8, u32, u32, *mut u8, u32, u32, *mut u8, u32, u32,
) -> u32;

/// Has Windows count what a connection carries; what it had counted by then.
pub fn count_payload(row: &Row) -> io::Result<u64> {
    match Named::of(row) {
        Named::V4(named) => set(
            on_demand!("iphlpapi.dll", SetPerTcpConnectionEStats: Set<MIB_TCPROW_LH>)?,
            &named,
        ),
        Named::V6(named) => set(
            on_demand!("iphlpapi.dll", SetPerTcp6ConnectionEStats: Set<MIB_TCP6ROW>)?,
            &named,
        ),
    }?;
    payload(row)
}

/// What Windows has counted of a connection: its payload in both directions, as
/// far as it was acknowledged, in bytes.
pub fn payload(row: &Row) -> io::Result<u64> {
    match Named::of(row) {
        Named::V4(named) => get(
            on_demand!("iphlpapi.dll", GetPerTcpConnectionEStats: Get<MIB_TCPROW_LH>)?,
            &named,
        ),
        Named::V6(named) => get(
            on_demand!("iphlpapi.dll", GetPerTcp6ConnectionEStats: Get<MIB_TCP6ROW>)?,
            &named,
        ),
    }
}

/// A connection as Windows wants it named.
enum Named {
    V4(MIB_TCPROW_LH),
    V6(MIB_TCP6ROW),
}

impl Named {
    fn of(row: &Row) -> Self {
        if let (SocketAddr::V4(local), SocketAddr::V4(remote)) = (row.local, row.remote) {
            let state = MIB_TCP_STATE_ESTAB;
            return Self::V4(MIB_TCPROW_LH {
                Anonymous: MIB_TCPROW_LH_0 { State: state },
                dwLocalAddr: v4(*local.ip()),
                dwLocalPort: port(row.local),
                dwRemoteAddr: v4(*remote.ip()),
                dwRemotePort: port(row.remote),
            });
        }
        Self::V6(MIB_TCP6ROW {
            State: MIB_TCP_STATE_ESTAB,
            LocalAddr: v6(row.local),
            dwLocalScopeId: scope(row.local),
            dwLocalPort: port(row.local),
            RemoteAddr: v6(row.remote),
            dwRemoteScopeId: scope(row.remote),
            dwRemotePort: port(row.remote),
        })
    }
}

fn v4(address: Ipv4Addr) -> u32 {
    u32::from_ne_bytes(address.octets())
}

fn v6(socket: SocketAddr) -> IN6_ADDR {
    let address = match socket {
        SocketAddr::V4(socket) => socket.ip().to_ipv6_mapped(),
        SocketAddr::V6(socket) => *socket.ip(),
    };
    IN6_ADDR {
        u: IN6_ADDR_0 {
            Byte: Ipv6Addr::octets(&address),
        },
    }
}

fn scope(socket: SocketAddr) -> u32 {
    match socket {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(socket) => socket.scope_id(),
    }
}

/// The lower half of a word, in the network's order.
fn port(socket: SocketAddr) -> u32 {
    let [first, second] = socket.port().to_be_bytes();
    u32::from_ne_bytes([first, second, 0, 0])
}

#[expect(unsafe_code, reason = "Windows' own function")]
fn set<R>(function: Set<R>, row: &R) -> io::Result<()> {
    let on = TCP_ESTATS_DATA_RW_v0 {
        EnableCollection: true,
    };
    let size = u32::try_from(size_of_val(&on)).map_err(io::Error::other)?;
    let kind = TcpConnectionEstatsData;
    // SAFETY: `row` and `on`, which has `size` bytes and is what goes with this
    // kind, outlive the call; the version and the last number have to be nought.
    let error = unsafe { function(row, kind, (&raw const on).cast(), 0, size, 0) };
    done(error)
}

#[expect(unsafe_code, reason = "Windows' own function")]
fn get<R>(function: Get<R>, row: &R) -> io::Result<u64> {
    let mut counted = TCP_ESTATS_DATA_ROD_v0::default();
    let size = u32::try_from(size_of::<TCP_ESTATS_DATA_ROD_v0>()).map_err(io::Error::other)?;
    let (kind, none) = (TcpConnectionEstatsData, ptr::null_mut());
    // SAFETY: `row` outlives the call; of the three structures two are not asked
    // for, and the third, `counted`, has `size` bytes, is what goes with this kind
    // and takes whatever numbers are written to it.
    let error = unsafe {
        let counted = (&raw mut counted).cast();
        function(row, kind, none, 0, 0, none, 0, 0, counted, 0, size)
    };
    done(error)?;
    // Not the bytes of all segments: what was sent twice counts once.
    Ok(counted.ThruBytesAcked + counted.ThruBytesReceived)
}

fn done(error: u32) -> io::Result<()> {
    match error {
        NO_ERROR => Ok(()),
        error => Err(io::Error::from_raw_os_error(error.cast_signed())),
    }
}
