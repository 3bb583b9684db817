//! Stub.
pub(crate) struct T;
pub(crate) struct N;
impl N {
    pub(crate) fn pid(&self) -> u32 {
        0
    }
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        Ok(())
    }
}
pub(crate) fn fetch() -> anyhow::Result<T> {
    Ok(T)
}
pub(crate) fn start(_: &T) -> anyhow::Result<N> {
    Ok(N)
}
