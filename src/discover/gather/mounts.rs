//! `/proc/self/mountinfo`.
//!
//! Nothing here asks a file system itself: one whose server is gone would never answer. Sizes are those of the block devices,
//! as sysfs has them.

use super::read::Root;
use crate::discover::host::Mount;

/// Bytes of what sysfs counts sizes in.
const SECTOR_BYTES: u64 = 512;

/// Everything that is mounted.
pub(super) fn gather(root: Root<'_>) -> Vec<Mount> {
    let table = root.bytes("/proc/self/mountinfo");
    table
        .split(|byte| *byte == b'\n')
        .filter_map(parse)
        .map(|mount| Mount { size_bytes: size(root, &mount.device), ..mount })
        .collect()
}

fn size(root: Root<'_>, device: &str) -> Option<u64> {
    if !is_numbered(device) {
        return None;
    }
    let sectors: u64 = root.text(&format!("/sys/dev/block/{device}/size")).trim().parse().ok()?;
    (sectors > 0).then(|| sectors.saturating_mul(SECTOR_BYTES))
}

/// A line: `36 35 98:0 /root /mnt ro,noatime master:1 - ext3 /dev/root rw,errors=continue`.
fn parse(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = String::from_utf8(fields.nth(2)?.to_vec()).ok()?;
    if !is_numbered(&device) {
        return None;
    }
    let point = unescape(fields.nth(1)?);
    let read_only = |options: &[u8]| options.split(|byte| *byte == b',').any(|option| option == b"ro");
    let here = read_only(fields.next()?);
    fields.find(|field| *field == b"-")?;
    let kind = String::from_utf8_lossy(fields.next()?).into_owned();
    let source = fields.next()?;
    let all = fields.next().is_some_and(read_only);
    let device = if kind == "zfs" { pool(source) } else { device };
    Some(Mount { point, kind, device, read_only: here || all, size_bytes: None })
}

/// `8:1`
fn is_numbered(device: &str) -> bool {
    device.bytes().all(|byte| byte.is_ascii_digit() || byte == b':')
}

/// What stands for the device of a data set of ZFS, of which each has a number of its own: its pool, whose space they share.
fn pool(source: &[u8]) -> String {
    let pool = source.split(|byte| *byte == b'/').next().unwrap_or_default();
    format!("zfs {}", String::from_utf8_lossy(pool))
}

/// The kernel writes blanks, newlines and backslashes as `\040`.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, behind)) = rest.split_first() {
        match (*first, behind.get(..3).and_then(octal)) {
            (b'\\', Some(byte)) => {
                bytes.push(byte);
                rest = &behind[3..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    bytes
}

fn octal(digits: &[u8]) -> Option<u8> {
    let value = digits.iter().try_fold(0u32, |value, digit| {
        matches!(digit, b'0'..=b'7').then(|| value * 8 + u32::from(digit - b'0'))
    });
    u8::try_from(value?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_whatever_names_the_kernel_escaped() {
        let line = br"36 35 98:0 /sub /mnt/a\040b\012c\134d\303\274 rw,noatime master:1 shared:2 - ext3 /dev/x\040y ro";
        let mount = parse(line).unwrap();
        assert_eq!(mount.point, "/mnt/a b\nc\\dü".as_bytes());
        assert_eq!((mount.kind.as_str(), mount.device.as_str(), mount.read_only), ("ext3", "98:0", true));
        let mount = parse(b"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard").unwrap();
        assert_eq!((mount.point.as_slice(), mount.read_only), (&b"/"[..], false));
        assert!(parse(b"27 1 254:0 / / ro,relatime - ext4 /dev/vda rw").unwrap().read_only);
    }

    #[test]
    fn data_sets_of_one_pool_are_of_one_device() {
        let of = |line: &str| parse(line.as_bytes()).unwrap().device;
        assert_eq!(
            of("1 1 0:40 / /tank rw - zfs tank rw"),
            of("1 1 0:41 / /tank/home rw - zfs tank/home rw")
        );
        assert_ne!(of("1 1 0:40 / /tank rw - zfs tank rw"), of("1 1 0:41 / /pond rw - zfs pond rw"));
    }

    #[test]
    fn what_is_no_line_is_left_out() {
        for line in
            ["", "27 1 254:0 /", "27 1 254:0 / / rw", "27 1 ../x / / rw - ext4 d rw", "a b c d e f - g"]
        {
            assert_eq!(parse(line.as_bytes()), None, "{line}");
        }
        assert_eq!(unescape(br"\04\999\"), br"\04\999\");
    }
}
