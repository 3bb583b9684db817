//! CPU, memory and block device limits.

use bollard::models::{HostConfig, ResourcesBlkioWeightDevice, ThrottleDevice};
use landfall_core::spec::{ContainerSpec, DeviceRate};

use super::unless_empty;

pub(super) fn resources(spec: &ContainerSpec) -> HostConfig {
    let resources = &spec.resources;
    let block = &resources.block;
    let weights = block.weights.iter().map(|device| ResourcesBlkioWeightDevice {
        path: Some(device.path.clone()),
        weight: Some(usize::from(device.weight)),
    });
    HostConfig {
        nano_cpus: resources.nano_cpus,
        cpu_shares: resources.cpu_shares,
        cpuset_cpus: resources.cpuset.clone(),
        cpu_period: resources.cpu_period_us,
        cpu_quota: resources.cpu_quota_us,
        cpu_realtime_period: resources.cpu_rt_period_us,
        cpu_realtime_runtime: resources.cpu_rt_runtime_us,
        memory: resources.memory_bytes,
        memory_reservation: resources.memory_reservation_bytes,
        memory_swap: resources.memory_swap_bytes,
        memory_swappiness: resources.memory_swappiness,
        oom_kill_disable: resources.oom_kill_disable,
        pids_limit: resources.pids,
        blkio_weight: resources.blkio_weight,
        blkio_weight_device: unless_empty(&weights.collect::<Vec<_>>()),
        blkio_device_read_bps: rates(&block.read_bps),
        blkio_device_read_iops: rates(&block.read_iops),
        blkio_device_write_bps: rates(&block.write_bps),
        blkio_device_write_iops: rates(&block.write_iops),
        ..HostConfig::default()
    }
}

fn rates(devices: &[DeviceRate]) -> Option<Vec<ThrottleDevice>> {
    let rate = |device: &DeviceRate| ThrottleDevice {
        path: Some(device.path.clone()),
        rate: Some(device.rate),
    };
    unless_empty(&devices.iter().map(rate).collect::<Vec<_>>())
}
