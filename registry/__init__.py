"""The register: operators, their products and the agreements for them, as pure values; import, findings and export.

Storage keeps the rows; nothing in here touches a database or a clock.
"""
