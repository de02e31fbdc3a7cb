"""What can be known of an operator without applying it."""

from enum import Flag


class Structure(Flag):
    """Facts about an operator A. Inner products are Re<u, v> wherever a real vector space takes part.

    Composite members carry what they imply: a projection is positive, a positive operator self-adjoint.
    """

    NONE = 0
    ISOMETRY = 1
    """Aᴴ A = I."""
    CO_ISOMETRY = 2
    """A Aᴴ = I."""
    UNITARY = ISOMETRY | CO_ISOMETRY
    SELF_ADJOINT = 4
    """Aᴴ = A."""
    POSITIVE = 8 | SELF_ADJOINT
    """<x, A x> >= 0."""
    PROJECTION = 16 | POSITIVE
    """A A = A = Aᴴ."""
    DIAGONAL = 32
    """A acts element by element."""

    @property
    def adjoint(self) -> "Structure":
        """The structure of Aᴴ."""
        swapped = self & (Structure.PROJECTION | Structure.DIAGONAL)
        if Structure.ISOMETRY in self:
            swapped |= Structure.CO_ISOMETRY
        if Structure.CO_ISOMETRY in self:
            swapped |= Structure.ISOMETRY
        return swapped
