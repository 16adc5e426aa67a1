"""Bad input and faults, one after the other, through the installed command and on real servers."""

import pytest

pytest.register_assert_rewrite("tests.faults.errors")
