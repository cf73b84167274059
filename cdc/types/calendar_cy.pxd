cimport cython

cpdef long long days_from_civil(long year, long month, long day) noexcept
cpdef bint is_date(long year, long month, long day) noexcept
cpdef str timestamp_text(long long seconds, long micros, int digits)
