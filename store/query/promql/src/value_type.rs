//! What expressions evaluate to.

/// Types of expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// One number at each time.
    Scalar,
    /// Series with one value at each time.
    Vector,
    /// Series with values of a stretch of time.
    Matrix,
    /// A text.
    Text,
}

impl ValueType {
    /// As messages call it.
    pub fn name(self) -> &'static str {
        match self {
            ValueType::Scalar => "scalar",
            ValueType::Vector => "instant vector",
            ValueType::Matrix => "range vector",
            ValueType::Text => "string",
        }
    }
}
