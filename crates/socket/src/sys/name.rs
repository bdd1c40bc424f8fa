//! The name in a socket address that the kernel wrote.
#![expect(
    unsafe_code,
    reason = "rustix reads names with assertions that fail for a peer whose path of 108 bytes has no room for its NUL"
)]

use std::mem::offset_of;

use rustix::net::{AddressFamily, SocketAddrAny};
use sockeye_address::Name;

/// Reads the name out of `sockaddr_un`; an address of another family has none.
pub(crate) fn name_of(address: &SocketAddrAny) -> Name {
    if address.address_family() != AddressFamily::UNIX {
        return Name::Unnamed;
    }
    let length = usize::try_from(address.addr_len()).unwrap_or(0);
    // SAFETY: `as_ptr` and `addr_len` describe the address inside `address`, whose first `addr_len` bytes are
    // initialized (an invariant of `SocketAddrAny`); the slice does not outlive the borrow.
    let bytes = unsafe { std::slice::from_raw_parts(address.as_ptr().cast::<u8>(), length) };
    Name::from_kernel(
        bytes
            .get(offset_of!(libc::sockaddr_un, sun_path)..)
            .unwrap_or_default(),
    )
}
