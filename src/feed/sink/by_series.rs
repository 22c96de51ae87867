//! What a sender keeps of each series between requests.

/// Something for each series, by the number that the series has in its lane.
#[derive(Debug)]
pub(super) struct BySeries<T>(Vec<Option<T>>);

impl<T> Default for BySeries<T> {
    fn default() -> BySeries<T> {
        BySeries(Vec::new())
    }
}

impl<T> BySeries<T> {
    /// What is kept of the series of this number, made when it is met for the first time.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn try_of<E>(&mut self, number: u32, new: impl FnOnce() -> Result<T, E>) -> Result<&mut T, E> {
        let number = number as usize;
        if self.0.len() <= number {
            self.0.resize_with(number + 1, || None);
        }
        match &mut self.0[number] {
            Some(kept) => Ok(kept),
            none => Ok(none.insert(new()?)),
        }
    }

    /// The same, of what can always be made.
    pub(super) fn of(&mut self, number: u32, new: impl FnOnce() -> T) -> &mut T {
        let Ok(kept) = self.try_of(number, || Ok::<T, std::convert::Infallible>(new()));
        kept
    }
}
