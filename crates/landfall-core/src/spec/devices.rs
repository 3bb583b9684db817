//! Devices, and limits of single block devices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A device passed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Path on the host.
    pub source: String,
    /// Path inside.
    pub target: String,
    /// Any of `r`, `w`, `m`.
    pub permissions: String,
}

/// Devices that a driver of the engine chooses: `gpus`, device reservations, CDI names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceRequest {
    /// For example `nvidia` or `cdi`; `None` lets the engine choose by capability.
    pub driver: Option<String>,
    /// How many; -1 is all. `None` when they are named.
    pub count: Option<i64>,
    /// Which, by the driver's names.
    pub device_ids: Vec<String>,
    /// All of these are needed.
    pub capabilities: Vec<String>,
    /// The driver's own options.
    pub options: BTreeMap<String, String>,
}

/// Weight of one block device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceWeight {
    /// Path on the host.
    pub path: String,
    /// 10 to 1000.
    pub weight: u16,
}

/// Limit of one block device, in bytes or operations a second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRate {
    /// Path on the host.
    pub path: String,
    /// A second.
    pub rate: i64,
}

/// Limits of single block devices.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BlockLimits {
    /// Relative weights.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<DeviceWeight>,
    /// Bytes read a second.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read_bps: Vec<DeviceRate>,
    /// Reads a second.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read_iops: Vec<DeviceRate>,
    /// Bytes written a second.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub write_bps: Vec<DeviceRate>,
    /// Writes a second.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub write_iops: Vec<DeviceRate>,
}
