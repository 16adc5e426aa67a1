"""``python -m chatai_ops`` is ``chatai``."""

from chatai_ops.main import main

main()
