"""The signal equation: Fourier transforms, acquisition, operators, coils, simulator."""
