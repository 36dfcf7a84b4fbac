//! Tensors of float64 with any number of axes, addressed by index.

/// A tensor.
#[derive(Debug, Clone)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

/// All indices of a shape, the last axis running fastest.
pub fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let n = shape.iter().product();
    (0..n)
        .map(|mut k: usize| {
            let mut index = vec![0; shape.len()];
            for a in (0..shape.len()).rev() {
                index[a] = k % shape[a];
                k /= shape[a];
            }
            index
        })
        .collect()
}

impl Tensor {
    pub fn new(shape: &[usize], data: &[f64]) -> Self {
        assert_eq!(shape.iter().product::<usize>(), data.len());
        Self { shape: shape.to_vec(), data: data.to_vec() }
    }

    /// From a function of the index.
    pub fn of(shape: &[usize], f: impl Fn(&[usize]) -> f64) -> Self {
        Self { shape: shape.to_vec(), data: indices(shape).iter().map(|i| f(i)).collect() }
    }

    pub fn at(&self, index: &[usize]) -> f64 {
        let place = index.iter().zip(&self.shape).fold(0, |k, (i, n)| {
            assert!(i < n);
            k * n + i
        });
        self.data[place]
    }

    /// 0 outside.
    pub fn padded(&self, index: &[i64]) -> f64 {
        let inside = index.iter().zip(&self.shape).all(|(i, n)| (0..*n as i64).contains(i));
        if inside { self.at(&index.iter().map(|i| *i as usize).collect::<Vec<_>>()) } else { 0.0 }
    }
}
