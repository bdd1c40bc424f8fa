use std::fmt;

/// The number of a device, in the two parts everybody prints.
///
/// ```
/// use sockeye_wire::Device;
///
/// let device = Device::from_kernel(0x0010_0005);
/// assert_eq!(device, Device { major: 1, minor: 5 });
/// assert_eq!(device.to_string(), "1:5");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Device {
    /// The driver, or 0 for file systems without a disk.
    pub major: u32,
    /// The device of that driver.
    pub minor: u32,
}

impl Device {
    /// Takes a number apart as the kernel does inside (`MAJOR` and `MINOR` in `include/linux/kdev_t.h`): the lower 20
    /// bits are the minor number.
    ///
    /// This is not the encoding of `st_dev`, which the `major` and `minor` of libc take apart. `ss -e` uses those, and so
    /// prints a device that is not there.
    pub const fn from_kernel(number: u32) -> Self {
        Self {
            major: number >> 20,
            minor: number & 0x000f_ffff,
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}
